"""The app of the pipe."""

from django.apps import AppConfig
from django.core.cache import close_caches
from django.core.signals import request_finished
from django.utils.module_loading import autodiscover_modules

from gateway_clients import instrumentation
from gateway_clients.edge import converters
from gateway_clients.instrumentation import logs, metrics, rates


class GatewayClientsConfig(AppConfig):
    """Upstream clients, breakers, cache, and where the portals are met."""

    name = "gateway_clients"
    verbose_name = "Gateway"

    def ready(self) -> None:
        """Logs, hooks, `<id:…>` in addresses, and every app's system checks and OpenAPI parts."""
        logs.configure()
        instrumentation.observe(metrics.count_record)
        instrumentation.observe(logs.log_record)
        instrumentation.observe(rates.hear)
        converters.register()
        # Django closes every cache behind each request; neither of ours has anything to close.
        request_finished.disconnect(close_caches)
        autodiscover_modules("checks", "openapi", "edge.openapi_inputs")
