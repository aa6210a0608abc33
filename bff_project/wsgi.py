"""The WSGI application."""

import gc
import os

import django
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest
from django.urls import ResolverMatch

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bff_project.settings")
django.setup(set_prefix=False)


class GatewayHandler(WSGIHandler):
    """Django's handler, which looks up an address without arguments once: that took a twentieth of a kept answer."""

    def __init__(self) -> None:
        super().__init__()
        self._matches: dict[str, ResolverMatch] = {}

    def resolve_request(self, request: HttpRequest) -> ResolverMatch:
        """The view of an address. Raises Resolver404."""
        match = self._matches.get(request.path_info)
        if match is None:
            match = super().resolve_request(request)
            if not (match.args or match.kwargs):
                self._matches[request.path_info] = match
        request.resolver_match = match
        return match


application = GatewayHandler()

# What was loaded stays until the process ends: the collector need not look at it again with every request's leftovers.
gc.collect()
gc.freeze()
