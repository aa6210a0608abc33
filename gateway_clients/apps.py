"""The app of the pipe."""

from django.apps import AppConfig
from django.conf import settings
from django.core.cache import close_caches
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries
from django.utils.module_loading import autodiscover_modules

from gateway_clients import instrumentation
from gateway_clients.database import sqlite_connections
from gateway_clients.fleet import counters
from gateway_clients.instrumentation import logs, metrics, rates, sample_files


class GatewayClientsConfig(AppConfig):
    """Upstream clients, breakers, cache, and where the portals are met."""

    name = "gateway_clients"
    verbose_name = "Gateway records"

    def ready(self) -> None:
        """Logs, metrics' files, hooks, `<id:…>` in addresses, and every app's system checks and OpenAPI parts."""
        from gateway_clients.edge.input import register_converters  # needs the apps' models

        logs.configure()
        sample_files.use_sample_files()
        instrumentation.observe(metrics.count_record)
        instrumentation.observe(logs.log_record)
        instrumentation.observe(rates.hear)
        instrumentation.observe(counters.hear)
        register_converters()
        # Django closes every cache behind each request; neither of ours has anything to close. And it looks for
        # connections to databases that are too old or broken before each request and behind it; behind it will do.
        # Measured (tests.bench.pairs, 2026-11-29): with them, and `reset_urlconf` of bff_project.apps, a kept
        # dashboard (warm-rest) takes 1.076 ± 0.013 times as much processor time, one that is asked for
        # (cold-rest) 1.050 ± 0.015 times.
        request_finished.disconnect(close_caches)
        request_started.disconnect(close_old_connections)
        sqlite_connections.connect()
        if not settings.DEBUG:
            request_started.disconnect(reset_queries)
        autodiscover_modules("checks", "openapi", "edge.openapi")
