"""What every request passes before it is anybody's: admission, middleware, health, static files."""

from gateway_clients.edge.http.admission import AdmissionMiddleware
from gateway_clients.edge.http.error_handlers import bad_request, forbidden, internal_error, not_found
from gateway_clients.edge.http.middleware import (
    AliveMiddleware,
    CrossOriginMiddleware,
    EdgeMiddleware,
    PageMiddleware,
    ProblemMiddleware,
)
from gateway_clients.edge.http.rate_limit_middleware import RateLimitMiddleware
from gateway_clients.edge.http.staff_middleware import (
    StaffAuthenticationMiddleware,
    StaffCsrfMiddleware,
    StaffMessageMiddleware,
    StaffSessionMiddleware,
)
from gateway_clients.edge.http.static import StaticFilesMiddleware

__all__ = [
    "AdmissionMiddleware",
    "AliveMiddleware",
    "CrossOriginMiddleware",
    "EdgeMiddleware",
    "PageMiddleware",
    "ProblemMiddleware",
    "RateLimitMiddleware",
    "StaffAuthenticationMiddleware",
    "StaffCsrfMiddleware",
    "StaffMessageMiddleware",
    "StaffSessionMiddleware",
    "StaticFilesMiddleware",
    "bad_request",
    "forbidden",
    "internal_error",
    "not_found",
]
