"""Staff's change of their own password on their pages: a wrong one of before counts as a wrong try to sign in."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse

from gateway_clients.edge.rate_limit import count_sign_in
from members import known_devices
from members.models import Account

#: What Django's form says of a password that is not the one of before.
WRONG = ("old_password", "password_incorrect")


def counting_tries(change: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The console's change of a password, which lets nobody with a session of staff's guess the password of it.

    It raises RateLimitedError after too many wrong tries.
    """

    @wraps(change)
    def counted(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        account = request.user
        if request.method != "POST" or not isinstance(account, Account):
            return change(request, extra_context)
        device = known_devices.device_known_to(request, account.email)
        tried = count_sign_in(request, account.email, device=device)
        try:
            response = change(request, extra_context)
        except BaseException:
            tried.succeeded()
            raise
        if not _is_wrong(response):
            tried.succeeded()
        return response

    return counted


def _is_wrong(response: HttpResponse) -> bool:
    shown: Any = getattr(response, "context_data", None) or {}
    return "form" in shown and shown["form"].has_error(*WRONG)
