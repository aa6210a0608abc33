# The gateway as an image: what is pinned in requirements/base.txt, as a user without rights, with the code read-only.
FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
COPY requirements/base.txt /tmp/base.txt
RUN /opt/venv/bin/pip install --require-hashes -r /tmp/base.txt

FROM python:3.11-slim
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PORT=4000 METRICS_PORT=9090
RUN useradd --system --uid 10001 --home-dir /app --shell /usr/sbin/nologin gateway \
    && install --directory --owner=gateway /app /app/.run
COPY --from=build /opt/venv /opt/venv
COPY --chown=root:root . /app
WORKDIR /app
USER gateway
EXPOSE 4000 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 CMD ["python", "-c", "import http.client, os, sys; c = http.client.HTTPConnection('127.0.0.1', int(os.environ['PORT']), timeout=2); c.request('GET', '/health/live', headers={'Host': 'localhost'}); sys.exit(c.getresponse().status != 200)"]
STOPSIGNAL SIGTERM
CMD ["python", "manage.py", "serve"]
