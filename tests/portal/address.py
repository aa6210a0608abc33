"""One address of the API: how it is asked, who may, what it shows, and where GraphQL shows the same."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

PDF = b"%PDF-1.4\nsomething"
TODAY = datetime.date.today().isoformat()  # noqa: DTZ011 - any day near this one will do
CLAIM_BODY = {
    "member_id": "m-1",
    "provider_id": "p-1",
    "service_date": TODAY,
    "items": [{"benefit_code": "CONS-GP", "amount": 1000}],
}


@dataclass(frozen=True, slots=True)
class Twin:
    """Where GraphQL shows the same: a root field with its arguments, and the field below it; "": the root itself.

    `shows` are the sections of member m-1 that the audit trail names; None: nothing about a member.
    """

    root: str
    shows: str | None
    below: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One method of one address, about member m-1 and provider p-1.

    `shows` are the sections of m-1 that the audit trail names; None: nothing about a member.

    `decides` is the operation whose 404 is the answer's; None: a list, or a view without such a section. `apart` is
    what another provider gets, whom the address itself does not give away: 404, or 502 where the upstream's list is
    about somebody else.
    """

    method: str
    path: str
    pattern: str
    allowed: frozenset[str]
    shows: str | None
    twin: Twin | None = None
    decides: str | None = None
    apart: int | None = None
    status: int = 200
    send: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def asked_by(self, client: Client, path: str | None = None) -> HttpResponse:
        """The answer."""
        send = {name: value() if callable(value) else value for name, value in self.send.items()}
        asked: HttpResponse = getattr(client, self.method)(f"/api/v1/{path or self.path}", **send)
        return asked


def json_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """How a JSON body is sent."""
    return {"data": dict(body), "content_type": "application/json"}


def a_form() -> dict[str, Any]:
    """A form with a file that is new at each call."""
    return {"claim_id": "clm-1", "file": SimpleUploadedFile("invoice.pdf", PDF, "application/pdf")}


def read(path: str, pattern: str, allowed: frozenset[str], **more: Any) -> Address:
    """A GET."""
    return Address(method="get", path=path, pattern=pattern, allowed=allowed, **more)
