"""Staff's pages of the gateway within Django admin."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """Breakers, cache, upstreams."""

    name = "gateway_clients.console"
    label = "console"
    verbose_name = "Gateway"
