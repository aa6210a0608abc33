"""Sign-in and what belongs to it, over REST."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from gateway_clients.edge import limits
from gateway_clients.edge.django_request import django_request
from gateway_clients.edge.openapi import shows
from gateway_clients.edge.request_context import context_of
from gateway_clients.edge.rules import open_to_all, signed_in
from gateway_clients.edge.views import GatewayViewSet
from members import hashing, token_families
from members.models import Account
from members.passwords import change_password
from members.serializers import LoginInput, PasswordInput, RefreshTokenInput
from members.sign_in import account_of
from members.transformers.accounts import to_signed_in, to_user
from members.view_models.accounts import SignedIn, User

BUSY = {503: "So many sign in at once that this was not looked at (`overloaded`); see Retry-After"}
WRONG_SIGN_IN = {
    401: "Wrong e-mail or password (`wrong_credentials`)",
    429: "Too many sign-ins; see Retry-After",
} | BUSY
DEAD_TOKEN = {401: "The token is over (`token_expired`); or dead, or no refresh token (`unauthenticated`)"}


class AuthViewSet(GatewayViewSet):
    """Sign in, stay signed in, sign out."""

    @shows(SignedIn, request=LoginInput, errors=WRONG_SIGN_IN, is_open=True, tags=["auth"])
    @open_to_all
    def login(self, request: Request) -> HttpResponse:
        """A pair of tokens for an e-mail and its password.

        Unknown, wrong and disabled are answered alike. Sign-ins are limited by e-mail, by address and over all.
        """
        given = self.checked(LoginInput)
        limits.count_sign_in(django_request(request), given["email"])
        with hashing.by(context_of(django_request(request)).deadline):
            account = account_of(given["email"], given["password"])
        return self.answer(_signed_in(token_families.begin(account)))

    @shows(
        SignedIn,
        request=RefreshTokenInput,
        errors=DEAD_TOKEN | {409: "Used a moment ago by another request"},
        is_open=True,
        tags=["auth"],
    )
    @open_to_all
    def refresh(self, request: Request) -> HttpResponse:
        """A new pair for a refresh token, which is dead from then on.

        One wins when several requests use it at once. Used again within 5 seconds it is 409, later 401 and every token
        of that sign-in is revoked.
        """
        return self.answer(_signed_in(token_families.rotate(self.checked(RefreshTokenInput)["refresh_token"])))

    @shows(None, status=204, request=RefreshTokenInput, errors=DEAD_TOKEN, is_open=True, tags=["auth"])
    @open_to_all
    def logout(self, request: Request) -> HttpResponse:
        """Ends the sign-in that a refresh token belongs to, its access tokens too."""
        token_families.end(self.checked(RefreshTokenInput)["refresh_token"])
        return HttpResponse(status=204)

    @shows(None, status=204, request=PasswordInput, errors=BUSY, tags=["auth"])
    @signed_in
    def password(self, request: Request) -> HttpResponse:
        """Changes the password, and signs out everywhere."""
        account = _account(request)
        given = self.checked(PasswordInput)
        limits.count_sign_in(django_request(request), account.email)
        with hashing.by(context_of(django_request(request)).deadline):
            change_password(account, current=given["current_password"], new=given["new_password"])
        return HttpResponse(status=204)

    @shows(User, errors={}, tags=["auth"])
    @signed_in
    def me(self, request: Request) -> HttpResponse:
        """Who is signed in."""
        return self.answer(to_user(_account(request)))


def _account(request: Request) -> Account:
    account: Any = request.user
    return Account.objects.get(pk=account.pk)


def _signed_in(pair: token_families.TokenPair) -> SignedIn:
    return to_signed_in(
        pair.account, access=pair.access, refresh=pair.refresh, expires_in_seconds=pair.expires_in_seconds
    )
