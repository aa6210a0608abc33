"""Every address of the API that is about somebody's data: how it is asked, and who may."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

OWN_AND_ADMIN = frozenset({"member", "admin"})
ALL_THREE = frozenset({"member", "provider", "admin"})
EVERYBODY = frozenset({"member", "other member", "provider", "other provider", "admin"})
PDF = b"%PDF-1.4\nsomething"
TODAY = datetime.date.today().isoformat()  # noqa: DTZ011 - any day near this one will do
CLAIM_BODY = {
    "member_id": "m-1",
    "provider_id": "p-1",
    "service_date": TODAY,
    "items": [{"benefit_code": "CONS-GP", "amount": 1000}],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One method of one address, about member m-1 and provider p-1.

    `decides` is the operation whose 404 is the answer's; None: a list, or a view without such a section. `apart` is
    what another provider gets, whom the address itself does not give away: 404, or 502 for the foreign list of a fake.
    """

    method: str
    path: str
    pattern: str
    allowed: frozenset[str]
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


MEMBER = "members/<id:member_id>"
ADDRESSES = (
    read("dashboard/m-1", "dashboard/<id:member_id>", OWN_AND_ADMIN, decides="getMember"),
    read("members/m-1", MEMBER, OWN_AND_ADMIN, decides="getMember"),
    Address(
        method="patch",
        path="members/m-1",
        pattern=MEMBER,
        allowed=OWN_AND_ADMIN,
        decides="updateMemberContact",
        send=json_of({"phone": "+62 811"}),
    ),
    read("members/m-1/benefits", f"{MEMBER}/benefits", OWN_AND_ADMIN),
    read("members/m-1/coverage", f"{MEMBER}/coverage", OWN_AND_ADMIN),
    read("members/m-1/payments", f"{MEMBER}/payments", OWN_AND_ADMIN, decides="listPayments"),
    read("members/m-1/documents", f"{MEMBER}/documents", OWN_AND_ADMIN, decides="listDocuments"),
    Address(
        method="post",
        path="members/m-1/documents",
        pattern=f"{MEMBER}/documents",
        allowed=ALL_THREE,
        decides="getClaim",
        apart=404,
        status=201,
        send={"data": a_form},
    ),
    read(
        "members/m-1/documents/d-1/content",
        f"{MEMBER}/documents/<id:document_id>/content",
        ALL_THREE,
        decides="getDocument",
        apart=404,
    ),
    Address(
        method="post",
        path="members/m-1/documents/d-1/link",
        pattern=f"{MEMBER}/documents/<id:document_id>/link",
        allowed=ALL_THREE,
        decides="getDocument",
        apart=404,
        status=201,
    ),
    Address(
        method="post",
        path="members/m-1/notifications/read",
        pattern=f"{MEMBER}/notifications/read",
        allowed=OWN_AND_ADMIN,
        decides="listNotifications",
    ),
    read("members/m-1/notifications", f"{MEMBER}/notifications", OWN_AND_ADMIN, decides="listNotifications"),
    Address(
        method="post",
        path="members/m-1/notifications/n-1/read",
        pattern=f"{MEMBER}/notifications/<id:notification_id>/read",
        allowed=OWN_AND_ADMIN,
        decides="markNotificationRead",
    ),
    read(
        "members/m-1/eligibility?provider_id=p-1&service_date=2026-03-01",
        f"{MEMBER}/eligibility",
        ALL_THREE,
        decides="checkEligibility",
    ),
    read("members", "members", frozenset({"admin"})),
    read("claims/m-1", "claims/<id:member_id>", ALL_THREE, decides="listClaims", apart=502),
    read("claims/m-1/clm-1", "claims/<id:member_id>/<id:claim_id>", ALL_THREE, decides="getClaim", apart=404),
    read("claims?member_id=m-1", "claims", ALL_THREE, decides="listClaims", apart=502),
    Address(
        method="post",
        path="claims",
        pattern="claims",
        allowed=ALL_THREE,
        status=201,
        send=json_of(CLAIM_BODY),
    ),
    Address(
        method="post",
        path="claims/m-1/clm-1/cancel",
        pattern="claims/<id:member_id>/<id:claim_id>/cancel",
        allowed=ALL_THREE,
        decides="getClaim",
        apart=404,
        send=json_of({"reason": "Because"}),
    ),
    Address(
        method="post",
        path="claims/m-1/clm-1/appeal",
        pattern="claims/<id:member_id>/<id:claim_id>/appeal",
        allowed=ALL_THREE,
        decides="getClaim",
        apart=404,
        status=409,
        send=json_of({"reason": "Because"}),
    ),
    read("providers", "providers", EVERYBODY),
    read("providers/p-1", "providers/<id:provider_id>", EVERYBODY, decides="getProvider"),
    read(
        "providers/p-1/dashboard",
        "providers/<id:provider_id>/dashboard",
        frozenset({"provider", "admin"}),
        decides="getProvider",
    ),
    Address(
        method="post",
        path="providers/p-1/notifications/n-1/read",
        pattern="providers/<id:provider_id>/notifications/<id:notification_id>/read",
        allowed=frozenset({"provider", "admin"}),
        decides="markNotificationRead",
    ),
    read("admin/overview", "admin/overview", frozenset({"admin"})),
)
#: The views, which GraphQL shows too; bytes have no twin there.
VIEWS = {
    f"/api/v1/{each.path}": each for each in ADDRESSES if each.method == "get" and not each.path.endswith("/content")
}
#: Addresses that are about nobody's data or, like a submission, about the account's own: other tests say who may.
ELSEWHERE = {
    ("post", "auth/login"),
    ("post", "auth/refresh"),
    ("post", "auth/logout"),
    ("post", "auth/password"),
    ("get", "auth/me"),
    ("post", "auth/otp"),
    ("delete", "auth/otp"),
    ("post", "auth/otp/confirm"),
    ("get", "auth/session"),
    ("delete", "auth/session"),
    ("get", "auth/sessions"),
    ("delete", "auth/sessions"),
    ("delete", "auth/sessions/<id:session_id>"),
    ("post", "events"),
    ("get", "claims/submissions/<id:submission_id>"),
}
