"""The page of upstreams: where they are, their limits, and what this process asks of them now."""

from django.http import HttpRequest, HttpResponse

from gateway_clients.console.pages import PageAdmin
from gateway_clients.pipeline.upstreams import admission, all_upstreams


class UpstreamAdmin(PageAdmin):
    """Upstreams, to look at."""

    def page(self, request: HttpRequest) -> HttpResponse:
        """Shows every upstream."""
        return self.shown(
            request, "upstreams.html", "Upstreams", upstreams=all_upstreams(), waiting=admission().waiting
        )
