"""Pages for people: the first page, Swagger UI, and the OpenAPI document behind it."""

from collections.abc import Hashable, Mapping
from functools import cache
from typing import Any, Final, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import (
    OpenApiJsonRenderer,
    OpenApiJsonRenderer2,
    OpenApiYamlRenderer,
    OpenApiYamlRenderer2,
)
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from gateway_clients.edge.input.parameters import check_names, choice_of

#: What a link may ask for that cannot say what it accepts.
FORMATS: Final[Mapping[str, type[BaseRenderer]]] = {"json": OpenApiJsonRenderer2, "yaml": OpenApiYamlRenderer2}


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Links to all there is."""
    host, _ = split_domain_port(request.get_host())
    metrics_url = f"http://{host}:{settings.METRICS_PORT}/metrics"
    return render(request, "gateway/home.html", {"metrics_url": metrics_url if settings.ENABLE_METRICS else None})


class SchemaView(SpectacularAPIView):
    """The OpenAPI document, as JSON or YAML: as `format` says, or else as the portal likes best; JSON by default."""

    renderer_classes = [OpenApiJsonRenderer2, OpenApiJsonRenderer, OpenApiYamlRenderer, OpenApiYamlRenderer2]  # noqa: RUF012 - DRF's own

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[Any, str]:
        """The renderer and its media type. Raises NotAcceptableError."""
        renderer_class = FORMATS.get(request.query_params.get("format", ""))
        if renderer_class is not None:
            return renderer_class(), renderer_class.media_type
        negotiated: tuple[Any, str] = super().perform_content_negotiation(request, force)
        return negotiated

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """The document, made once in each form: it is open to all, and slow to make."""
        check_names(request.query_params, ("format",))
        choice_of(request.query_params, "format", FORMATS)
        renderer = cast(Any, request.accepted_renderer)
        body = _document(cast(Hashable, type(renderer)), settings.ROOT_URLCONF)
        return HttpResponse(body, content_type=renderer.media_type)


class ApiDocsView(SpectacularSwaggerSplitView):
    """Swagger UI from files of the gateway's own, without inline scripts or styles."""

    template_name = "gateway/api_docs.html"


@cache
def _document(renderer_class: Any, urlconf: str) -> bytes:
    generator: Any = SchemaGenerator
    rendered: str | bytes = renderer_class().render(generator(urlconf=urlconf).get_schema(request=None, public=True))
    return rendered.encode() if isinstance(rendered, str) else rendered
