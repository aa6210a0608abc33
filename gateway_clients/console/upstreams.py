"""The page of upstreams: where they are, their limits, and what this process asks of them now."""

from django.http import HttpRequest, HttpResponse

from gateway_clients.console.pages import PageAdmin
from gateway_clients.pipeline.upstreams import admission, all_upstreams


class UpstreamAdmin(PageAdmin):
    """Upstreams, to look at."""

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """They are set by the environment."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """They are set by the environment."""
        return False

    def page(self, request: HttpRequest) -> HttpResponse:
        """All eight."""
        return self.shown(
            request, "upstreams.html", "Upstreams", upstreams=all_upstreams(), waiting=admission().waiting
        )
