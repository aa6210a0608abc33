"""Sessions of browsers, and all places where an account is signed in, over REST."""

import uuid
from collections.abc import Sequence
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from gateway_clients.edge.access import open_to_all, require_own_page, signed_in
from gateway_clients.edge.errors import NotFoundError, UnauthenticatedError
from gateway_clients.edge.input import django_request, flag_of
from gateway_clients.edge.openapi import flag_parameter, shows
from gateway_clients.edge.rest import GatewayViewSet
from members import browser_sessions, sign_in_sessions
from members.browser_sessions import LivingSession
from members.models import Account
from members.session_authentication import clear_cookie, secret_of, session_of
from members.token_cache import TokenClaims
from members.transformers.accounts import to_session_state, to_sessions
from members.view_models.accounts import SessionState, SignInSessions

SLIDE = flag_parameter("slide", "`false`: looking at the session does not prolong it.")
NO_SUCH_SESSION = {404: "The account has no such session"}
NO_SESSION = {401: "There is no session, or it is over (`unauthenticated`)", 403: "See X-CSRF (`csrf_failed`)"}
BY_COOKIE: Final[Sequence[dict[str, list[str]]]] = [{"session_cookie": []}]


class SessionViewSet(GatewayViewSet):
    """The session that a browser's cookie names."""

    @shows(
        SessionState,
        parameters=[SLIDE],
        errors=NO_SESSION,
        is_open=True,
        tags=["auth"],
        operation_id="getSession",
        auth=BY_COOKIE,
    )
    @open_to_all
    def show(self, request: Request) -> HttpResponse:
        """Who the browser is signed in as, and for how long.

        It is 401 without a session. Looking prolongs the session, unless `slide=false`.
        """
        given = django_request(request)
        session = _required(given)
        if flag_of(given.GET, "slide") is not False:
            browser_sessions.prolong(session)
            session = _required(given)
        account = Account.objects.signed_in(session.caller)
        return self.answer(to_session_state(account, session.expires_in_seconds(timezone.now())))

    @shows(None, status=204, errors=NO_SESSION, is_open=True, tags=["auth"], operation_id="endSession", auth=BY_COOKIE)
    @open_to_all
    def end(self, request: Request) -> HttpResponse:
        """Signs the browser out, and takes its cookie away."""
        given = django_request(request)
        require_own_page(given)
        session = session_of(given)
        if session is not None:
            browser_sessions.end(session.id)
        response = HttpResponse(status=204)
        clear_cookie(response)
        return response


class SessionsViewSet(GatewayViewSet):
    """All places where the account is signed in."""

    @shows(SignInSessions, errors={}, tags=["auth"], operation_id="listSessions")
    @signed_in
    def show(self, request: Request) -> HttpResponse:
        """Where the account is signed in: sessions of browsers, and families of tokens."""
        browsers, families = sign_in_sessions.living_of(_account(request))
        return self.answer(to_sessions(browsers, families, _current(request)))

    @shows(None, status=204, errors={}, tags=["auth"], operation_id="endOtherSessions")
    @signed_in
    def end_others(self, request: Request) -> HttpResponse:
        """Signs out everywhere but here."""
        sign_in_sessions.end_others(_account(request), _current(request))
        return HttpResponse(status=204)

    @shows(None, status=204, errors=NO_SUCH_SESSION, tags=["auth"], operation_id="endOneSession")
    @signed_in
    def end_one(self, request: Request, session_id: str) -> HttpResponse:
        """Signs out in one place."""
        try:
            wanted = uuid.UUID(session_id)
        except ValueError:
            raise NotFoundError from None
        if not sign_in_sessions.end_one(_account(request), wanted):
            raise NotFoundError
        return HttpResponse(status=204)


def _required(request: HttpRequest) -> LivingSession:
    if secret_of(request) is None and "HTTP_AUTHORIZATION" in request.META:
        raise UnauthenticatedError
    require_own_page(request)
    session = session_of(request)
    if session is None:
        raise UnauthenticatedError
    return session


def _account(request: Request) -> Account:
    account: Any = request.user
    return Account.objects.signed_in(account)


def _current(request: Request) -> uuid.UUID | None:
    """The session or family that the request was made with."""
    signed_in_by = request.auth
    if isinstance(signed_in_by, LivingSession):
        return signed_in_by.id
    return signed_in_by.family_id if isinstance(signed_in_by, TokenClaims) else None
