"""Devices from which accounts have signed in before, as a signed cookie tells: strangers' tries keep them not out."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
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
#: Random bytes of a device's name.
NAME_BYTES: Final = 16
#: Accounts that one device is known for; the ones that signed in last.
MOST_ACCOUNTS: Final = 5


@dataclass(frozen=True, slots=True)
class _Device:
    """A device's name, by chance, and its accounts, each with the epoch of the password that it signed in with."""

    name: str
    epochs: Mapping[str, int]


def device_known_to(request: HttpRequest, email: str) -> str | None:
    """This device's name, where an e-mail's account has signed in from it within a year, with its present password."""
    device = _device(request)
    if device is None:
        return None
    account = Account.objects.filter(email=Account.objects.normalize_email(email)).only("pk", "token_epoch").first()
    is_known = account is not None and device.epochs.get(str(account.pk)) == account.token_epoch
    return device.name if is_known else None


def remember(request: HttpRequest, response: HttpResponse, account: Account) -> None:
    """Marks the device that an account has just signed in from. It keeps its name, whoever signs in."""
    device = _device(request) or _Device(secrets.token_urlsafe(NAME_BYTES), {})
    epochs = {key: epoch for key, epoch in device.epochs.items() if key != str(account.pk)}
    newest = [*epochs.items(), (str(account.pk), account.token_epoch)][-MOST_ACCOUNTS:]
    value = signing.dumps({"name": device.name, "epochs": dict(newest)}, salt=SALT)
    response.set_cookie(_name(), value, max_age=YEAR_SECONDS, **cookie_attributes())


def _device(request: HttpRequest) -> _Device | None:
    """What the cookie says, if it is ours."""
    if "HTTP_COOKIE" not in request.META:
        return None
    try:
        told: Any = signing.loads(request.COOKIES.get(_name(), ""), salt=SALT, max_age=YEAR_SECONDS)
        return _Device(told["name"], told["epochs"])
    except (signing.BadSignature, KeyError):
        return None


def _name() -> str:
    return SECURE_NAME if is_over_tls() else PLAIN_NAME
