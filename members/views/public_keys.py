"""The public keys of access tokens, for those who verify them without asking the gateway."""

from typing import Final

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from members.signing_keys import ES256
from members.token_settings import setting
from members.tokens import access_keys

#: A new key has to be in `JWT_PRIVATE_KEYS` for so long before it signs; seconds.
KEPT_SECONDS: Final = 300


@require_safe
def public_keys(_request: HttpRequest) -> HttpResponse:
    """A JWK set (RFC 7517). Raises Http404 where access tokens are signed with a secret."""
    if setting("ALGORITHM") != ES256:
        raise Http404
    answer = JsonResponse({"keys": [key.jwk for key in access_keys()]}, content_type="application/jwk-set+json")
    answer.headers["Cache-Control"] = f"public, max-age={KEPT_SECONDS}"
    return answer
