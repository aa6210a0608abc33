"""The second factor of an account, over REST."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from gateway_clients.edge.access import signed_in
from gateway_clients.edge.errors import WrongCredentialsError
from gateway_clients.edge.input import context_of, django_request
from gateway_clients.edge.openapi import shows
from gateway_clients.edge.rate_limit import SignInTry, count_sign_in
from gateway_clients.edge.rest import GatewayViewSet
from members import hash_queue, known_devices, second_factor
from members.errors import WrongPasswordError
from members.models import Account
from members.serializers import OtpEnrolmentInput, OtpInput, OtpRemovalInput
from members.view_models.accounts import OtpEnrolment, RecoveryCodes

CONFLICT = {409: "The account has a second factor already, or none"}


class SecondFactorViewSet(GatewayViewSet):
    """Sets up a second factor, and removes it."""

    @shows(OtpEnrolment, request=OtpEnrolmentInput, errors=CONFLICT, tags=["auth"], operation_id="enrolSecondFactor")
    @signed_in
    def enrol(self, request: Request) -> HttpResponse:
        """Gives a secret for an authenticator, for the account's password. It holds once it is confirmed."""
        given = self.checked(OtpEnrolmentInput)
        enrolment = second_factor.enrol(self._account_with(given["password"]))
        return self.answer(OtpEnrolment(secret=enrolment.secret, otpauth_url=enrolment.address))

    @shows(RecoveryCodes, request=OtpInput, errors=CONFLICT, tags=["auth"], operation_id="confirmSecondFactor")
    @signed_in
    def confirm(self, request: Request) -> HttpResponse:
        """Has the second factor hold from now on, for a first code of it. The answer has ten recovery codes."""
        given = self.checked(OtpInput)
        account = self._account()
        with _counted(django_request(self.request), account).counted_for(WrongCredentialsError):
            codes = second_factor.confirm(account, given["otp"])
        return self.answer(RecoveryCodes(recovery_codes=codes))

    @shows(None, status=204, request=OtpRemovalInput, errors=CONFLICT, tags=["auth"], operation_id="removeSecondFactor")
    @signed_in
    def remove(self, request: Request) -> HttpResponse:
        """Removes the second factor, for the account's password and a code."""
        given = self.checked(OtpRemovalInput)
        account = self._account_with(given["password"])
        with _counted(django_request(self.request), account).counted_for(WrongCredentialsError):
            second_factor.remove(account, given["otp"])
        return HttpResponse(status=204)

    def _account(self) -> Account:
        caller: Any = self.request.user
        return Account.objects.signed_in(caller)

    def _account_with(self, password: str) -> Account:
        """The account, if that is its password. Raises WrongPasswordError, or RateLimitedError after too many tries."""
        asked, account = django_request(self.request), self._account()
        with _counted(asked, account).counted_for(WrongPasswordError):
            with hash_queue.by(context_of(asked).deadline):
                is_right = account.check_password(password)
            if not is_right:
                raise WrongPasswordError(errors={"password": ["This is not the password."]})
        return account


def _counted(request: HttpRequest, account: Account) -> SignInTry:
    """A try of a password or a code. Raises RateLimitedError after too many wrong ones."""
    return count_sign_in(request, account.email, device=known_devices.device_known_to(request, account.email))
