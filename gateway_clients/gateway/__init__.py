"""The typed clients of one request, and the views that are made with them.

gateway = ...                                            # the edge makes one for each request
claim = gateway.call(gateway.claims.get_claim("clm-1"))
member = gateway.call(gateway.member.get_member("m-1"))  # nothing is sent before the first wait

claim.require()                                          # ClaimPayload, or an UpstreamError is raised
member.section(to_personal)                              # Section: never raises, says how it came about
"""

from gateway_clients.gateway.clients import Gateway
from gateway_clients.gateway.specs import Rendition, SectionSpec, UnrenderableError, ViewSpec
from gateway_clients.gateway.views import NothingToShowError, PendingView

__all__ = [
    "Gateway",
    "NothingToShowError",
    "PendingView",
    "Rendition",
    "SectionSpec",
    "UnrenderableError",
    "ViewSpec",
]
