# The gateway as an image: what is pinned in requirements/base.txt, as a user without rights, with the code read-only.
# `--target sandbox` makes an image of the stand-ins for the upstream services instead, `--build-arg WITH_TRACES=1` one that
# can send traces.
FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
ARG WITH_TRACES=""
COPY requirements/base.txt /tmp/base.txt
COPY requirements/otel.txt /tmp/otel.txt
RUN cat /tmp/base.txt ${WITH_TRACES:+/tmp/otel.txt} > /tmp/packages.txt \
    && /opt/venv/bin/pip install --require-hashes -r /tmp/packages.txt

FROM build AS sandbox-build
COPY requirements/sandbox.txt /tmp/sandbox.txt
RUN /opt/venv/bin/pip install --require-hashes -r /tmp/sandbox.txt

FROM python:3.11-slim AS runtime
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PORT=4000 METRICS_PORT=9090
RUN groupadd --system --gid 10001 gateway \
    && useradd --system --uid 10001 --gid 10001 --home-dir /app --shell /usr/sbin/nologin gateway \
    && install --directory --owner=gateway --group=gateway /app /app/.run
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY --from=build /tmp/packages.txt /app/packages.txt
COPY --chown=root:root manage.py /app/
COPY --chown=root:root bff_project /app/bff_project
COPY --chown=root:root dashboard /app/dashboard
COPY --chown=root:root members /app/members
COPY --chown=root:root claims /app/claims
COPY --chown=root:root gateway_clients /app/gateway_clients
COPY --chown=root:root docs /app/docs
USER 10001:10001
STOPSIGNAL SIGTERM

FROM runtime AS sandbox
COPY --from=sandbox-build /opt/venv /opt/venv
COPY --chown=root:root sandbox /app/sandbox
HEALTHCHECK --interval=5s --timeout=3s --start-period=20s --retries=3 CMD ["python", "-c", "import socket; from gateway_clients.conf import SERVICES; [socket.create_connection(('127.0.0.1', port), 2).close() for port in SERVICES.values()]"]
CMD ["python", "manage.py", "sandbox", "--host", "0.0.0.0", "--base-port", "8000"]

# The last one is what `docker build .` makes.
FROM runtime AS gateway
LABEL org.opencontainers.image.title="Web BFF" org.opencontainers.image.version="1.0.0" web-bff.sbom="/app/packages.txt"
EXPOSE 4000 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=2); c.request('GET', '/health/live'); sys.exit(c.getresponse().status != 200)"]
CMD ["python", "manage.py", "serve"]
