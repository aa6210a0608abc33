"""Devices from which accounts have signed in before, as a signed cookie tells: strangers' tries keep them not out."""

from typing import Any, Final

from django.core import signing
from django.http import HttpRequest, HttpResponse

from members.models import Account
from members.session_authentication import cookie_attributes, is_over_tls

#: Over TLS; bound to this host as the session's cookie is.
SECURE_NAME: Final = "__Host-device"
PLAIN_NAME: Final = "device"
SALT: Final = "members.known_devices"
YEAR_SECONDS: Final = 365 * 86_400
#: Accounts that one device is known for; the ones that signed in last.
MOST_ACCOUNTS: Final = 5


def device_known_to(request: HttpRequest, email: str) -> str | None:
    """This device's name, where an e-mail's account has signed in from it within a year, with its present password."""
    epochs = _known_epochs(request)
    if not epochs:
        return None
    account = Account.objects.filter(email=Account.objects.normalize_email(email)).only("pk", "token_epoch").first()
    is_known = account is not None and epochs.get(str(account.pk)) == account.token_epoch
    return request.COOKIES[_name()] if is_known else None


def remember(request: HttpRequest, response: HttpResponse, account: Account) -> None:
    """Marks the device that an account has just signed in from."""
    epochs = {key: epoch for key, epoch in _known_epochs(request).items() if key != str(account.pk)}
    newest = [*epochs.items(), (str(account.pk), account.token_epoch)][-MOST_ACCOUNTS:]
    value = signing.dumps(dict(newest), salt=SALT)
    response.set_cookie(_name(), value, max_age=YEAR_SECONDS, **cookie_attributes())


def _known_epochs(request: HttpRequest) -> dict[str, int]:
    """Accounts, each with the epoch of the password that it signed in with."""
    if "HTTP_COOKIE" not in request.META:
        return {}
    try:
        known: Any = signing.loads(request.COOKIES.get(_name(), ""), salt=SALT, max_age=YEAR_SECONDS)
    except signing.BadSignature:
        return {}
    return dict(known)


def _name() -> str:
    return SECURE_NAME if is_over_tls() else PLAIN_NAME
