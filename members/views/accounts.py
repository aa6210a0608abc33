"""Sign-in and what belongs to it, over REST."""

from typing import Any

from django.db import transaction
from django.http import HttpResponse
from rest_framework.request import Request

from gateway_clients.edge.access import open_to_all, require_known_origin, signed_in
from gateway_clients.edge.input import context_of, django_request
from gateway_clients.edge.openapi import reference_to, shows
from gateway_clients.edge.rate_limit import count_sign_in
from gateway_clients.edge.rest import GatewayViewSet
from members import browser_sessions, hash_queue, known_devices, token_families, user_agents
from members.device import Device, device_of
from members.errors import WrongPasswordError
from members.models import Account
from members.passwords import change_password
from members.serializers import LoginInput, PasswordInput, RefreshTokenInput
from members.session_authentication import set_cookie
from members.sign_in import sign_in
from members.transformers.accounts import to_session_state, to_signed_in, to_user
from members.view_models.accounts import SessionState, SignedIn, User

BUSY = {503: "So many sign in at once that this was not looked at (`overloaded`); see Retry-After"}
WRONG_SIGN_IN = {
    401: "Wrong e-mail, password or code (`wrong_credentials`); or a code of the second factor is needed besides "
    "(`second_factor_required`)",
    429: "Too many sign-ins; see Retry-After",
} | BUSY
#: A pair of tokens, or the session of a browser.
EITHER_SIGN_IN = {"oneOf": [reference_to(SignedIn), reference_to(SessionState)]}
DEAD_TOKEN = {401: "The token is over (`token_expired`); or dead, or no refresh token (`unauthenticated`)"}


class AuthViewSet(GatewayViewSet):
    """Sign in, stay signed in, sign out."""

    @shows(
        SignedIn,
        also={200: EITHER_SIGN_IN},
        request=LoginInput,
        errors=WRONG_SIGN_IN,
        is_open=True,
        tags=["auth"],
        operation_id="login",
    )
    @open_to_all
    def login(self, request: Request) -> HttpResponse:
        """Signs in with an e-mail and its password: to a pair of tokens, or to a session of the browser.

        With `"session": "cookie"` no token is given out: the answer sets a cookie that no script can read. Requests
        with it need the header `X-CSRF: 1`. Unknown, wrong and disabled are answered alike. Wrong tries are limited by
        account and address; a device from which the account has signed in before keeps its way in.
        """
        given = self.checked(LoginInput)
        if "session" in given:
            require_known_origin(django_request(request))
        asked = django_request(request)
        account, device = sign_in(asked, given["email"], given["password"], given.get("otp")), device_of(asked)
        with transaction.atomic():
            user_agents.note_sign_in(account, device.user_agent)
            response = self._begun(account, device, is_browser="session" in given)
        known_devices.remember(asked, response, account)
        return response

    def _begun(self, account: Account, device: Device, *, is_browser: bool) -> HttpResponse:
        """The answer to a sign-in: tokens, or a session."""
        if not is_browser:
            return self.answer(_signed_in(token_families.begin(account, device)))
        begun = browser_sessions.begin(account, device)
        response = self.answer(to_session_state(account, begun.expires_in_seconds))
        set_cookie(response, begun.secret)
        return response

    @shows(
        SignedIn,
        request=RefreshTokenInput,
        errors=DEAD_TOKEN | {409: "Used a moment ago by another request"},
        is_open=True,
        tags=["auth"],
        operation_id="refreshTokens",
    )
    @open_to_all
    def refresh(self, request: Request) -> HttpResponse:
        """A new pair for a refresh token, which is dead from then on.

        One wins when several requests use it at once. Used again within 5 seconds it is 409, later 401 and every token
        of that sign-in is revoked.
        """
        return self.answer(_signed_in(token_families.rotate(self.checked(RefreshTokenInput)["refresh_token"])))

    @shows(
        None,
        status=204,
        request=RefreshTokenInput,
        errors=DEAD_TOKEN,
        is_open=True,
        tags=["auth"],
        operation_id="logout",
    )
    @open_to_all
    def logout(self, request: Request) -> HttpResponse:
        """Ends the sign-in that a refresh token belongs to, its access tokens too."""
        token_families.end(self.checked(RefreshTokenInput)["refresh_token"])
        return HttpResponse(status=204)

    @shows(
        None,
        status=204,
        request=PasswordInput,
        errors=BUSY | {409: "The password was written by another request at the same time, please try again"},
        tags=["auth"],
        operation_id="changePassword",
    )
    @signed_in
    def password(self, request: Request) -> HttpResponse:
        """Changes the password, and signs out everywhere."""
        account = _account(request)
        given = self.checked(PasswordInput)
        asked = django_request(request)
        tried = count_sign_in(asked, account.email, device=known_devices.device_known_to(asked, account.email))
        with tried.counted_for(WrongPasswordError), hash_queue.by(context_of(asked).deadline):
            change_password(account, current=given["current_password"], new=given["new_password"])
        return HttpResponse(status=204)

    @shows(User, errors={}, tags=["auth"], operation_id="getCurrentUser")
    @signed_in
    def me(self, request: Request) -> HttpResponse:
        """Who is signed in."""
        return self.answer(to_user(_account(request)))


def _account(request: Request) -> Account:
    account: Any = request.user
    return Account.objects.signed_in(account)


def _signed_in(pair: token_families.TokenPair) -> SignedIn:
    return to_signed_in(
        pair.account, access=pair.access, refresh=pair.refresh, expires_in_seconds=pair.expires_in_seconds
    )
