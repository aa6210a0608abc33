"""The typed clients of one request, and views of several sections that are made with them.

gateway = ...                                            # the edge makes one for each request
claim = gateway.call(gateway.claims.get_claim("clm-1"))
member = gateway.call(gateway.member.get_member("m-1"))  # nothing is sent before the first wait

claim.require()                                          # ClaimPayload, or an UpstreamError is raised
member.section(to_personal)                              # Section: never raises, says how it came about
"""

from gateway_clients.gateway.client import Gateway
from gateway_clients.gateway.composite_view import CompositeView
from gateway_clients.gateway.outage import NothingToShowError
from gateway_clients.gateway.view_spec import Rendition, SectionSpec, UnrenderableError, ViewSpec

__all__ = [
    "CompositeView",
    "Gateway",
    "NothingToShowError",
    "Rendition",
    "SectionSpec",
    "UnrenderableError",
    "ViewSpec",
]
