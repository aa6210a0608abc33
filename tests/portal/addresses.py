"""Every address of the API that is about somebody's data: who may, what it shows, and its GraphQL twin.

What stands here is decided here: the tests hold the code to it.
"""

from tests.portal.address import CLAIM_BODY, Address, Twin, a_form, json_of, read

OWN_AND_ADMIN = frozenset({"member", "admin"})
ALL_THREE = frozenset({"member", "provider", "admin"})
EVERYBODY = frozenset({"member", "other member", "provider", "other provider", "admin"})
DASHBOARD = "member,recent_claims,benefits_summary,coverage_status,notifications"
#: What the profile shows, in this order, and the upstream that each section comes from.
PROFILE = {
    "personal": "member",
    "claims": "claims",
    "benefits": "benefit",
    "coverage": "policy",
    "payments": "payment",
    "documents": "document",
}
MEMBER = "members/<id:member_id>"
THE_PROFILE = 'memberProfile(memberId: "m-1")'


def in_profile(field: str, shows: str = "") -> Twin:
    """A field of the profile; the audit trail names a section of the same name, or `shows`."""
    return Twin(THE_PROFILE, shows or field, below=field)


ADDRESSES = (
    read(
        "dashboard/m-1",
        "dashboard/<id:member_id>",
        OWN_AND_ADMIN,
        decides="getMember",
        shows=DASHBOARD,
        twin=Twin('memberDashboard(memberId: "m-1")', DASHBOARD),
    ),
    read(
        "members/m-1",
        MEMBER,
        OWN_AND_ADMIN,
        decides="getMember",
        shows=",".join(PROFILE),
        twin=Twin(THE_PROFILE, ",".join(PROFILE)),
    ),
    Address(
        method="patch",
        path="members/m-1",
        pattern=MEMBER,
        allowed=OWN_AND_ADMIN,
        decides="updateMemberContact",
        shows="personal",
        send=json_of({"phone": "+62 811"}),
    ),
    read("members/m-1/benefits", f"{MEMBER}/benefits", OWN_AND_ADMIN, shows="benefits", twin=in_profile("benefits")),
    read("members/m-1/coverage", f"{MEMBER}/coverage", OWN_AND_ADMIN, shows="coverage", twin=in_profile("coverage")),
    read(
        "members/m-1/payments",
        f"{MEMBER}/payments",
        OWN_AND_ADMIN,
        decides="listPayments",
        shows="payments",
        twin=in_profile("paymentPage", "payment_page"),
    ),
    read(
        "members/m-1/documents",
        f"{MEMBER}/documents",
        OWN_AND_ADMIN,
        decides="listDocuments",
        shows="documents",
        twin=in_profile("documentPage", "document_page"),
    ),
    Address(
        method="post",
        path="members/m-1/documents",
        pattern=f"{MEMBER}/documents",
        allowed=ALL_THREE,
        decides="getClaim",
        apart=404,
        status=201,
        shows="document",
        send={"data": a_form},
    ),
    read(
        "members/m-1/documents/d-1/content",
        f"{MEMBER}/documents/<id:document_id>/content",
        ALL_THREE,
        decides="getDocument",
        apart=404,
        shows="content",
    ),
    Address(
        method="post",
        path="members/m-1/documents/d-1/link",
        pattern=f"{MEMBER}/documents/<id:document_id>/link",
        allowed=ALL_THREE,
        decides="getDocument",
        apart=404,
        status=201,
        shows="document_link",
    ),
    Address(
        method="post",
        path="members/m-1/notifications/read",
        pattern=f"{MEMBER}/notifications/read",
        allowed=OWN_AND_ADMIN,
        decides="listNotifications",
        shows="read_count",
    ),
    read(
        "members/m-1/notifications",
        f"{MEMBER}/notifications",
        OWN_AND_ADMIN,
        decides="listNotifications",
        shows="notifications,unread_count",
        twin=in_profile("notificationPage", "notification_page"),
    ),
    Address(
        method="post",
        path="members/m-1/notifications/n-1/read",
        pattern=f"{MEMBER}/notifications/<id:notification_id>/read",
        allowed=OWN_AND_ADMIN,
        decides="markNotificationRead",
        shows="notification",
    ),
    read(
        "members/m-1/eligibility?provider_id=p-1&service_date=2026-03-01",
        f"{MEMBER}/eligibility",
        ALL_THREE,
        decides="checkEligibility",
        shows="eligibility",
        twin=Twin(
            'eligibilityCheck(memberId: "m-1", providerId: "p-1", serviceDate: "2026-03-01")', "eligibility_check"
        ),
    ),
    read("members", "members", frozenset({"admin"}), shows="items", twin=Twin("members", "items")),
    read(
        "claims/m-1",
        "claims/<id:member_id>",
        ALL_THREE,
        decides="listClaims",
        apart=502,
        shows="claims",
        twin=Twin('claims(memberId: "m-1")', "claims"),
    ),
    read(
        "claims/m-1/clm-1",
        "claims/<id:member_id>/<id:claim_id>",
        ALL_THREE,
        decides="getClaim",
        apart=404,
        shows="claim_detail",
        twin=Twin('claim(memberId: "m-1", claimId: "clm-1")', "claim"),
    ),
    read(
        "claims?member_id=m-1",
        "claims",
        ALL_THREE,
        decides="listClaims",
        apart=502,
        shows="claims",
        twin=Twin('claims(memberId: "m-1")', "claims"),
    ),
    Address(
        method="post",
        path="claims",
        pattern="claims",
        allowed=ALL_THREE,
        status=201,
        shows="claim_detail",
        send=json_of(CLAIM_BODY),
    ),
    Address(
        method="post",
        path="claims/m-1/clm-1/cancel",
        pattern="claims/<id:member_id>/<id:claim_id>/cancel",
        allowed=ALL_THREE,
        decides="getClaim",
        apart=404,
        shows="claim_detail",
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
        shows=None,
        send=json_of({"reason": "Because"}),
    ),
    read("providers", "providers", EVERYBODY, shows=None, twin=Twin("providers", None)),
    read(
        "providers/p-1",
        "providers/<id:provider_id>",
        EVERYBODY,
        decides="getProvider",
        shows=None,
        twin=Twin('provider(providerId: "p-1")', None),
    ),
    read(
        "providers/p-1/dashboard",
        "providers/<id:provider_id>/dashboard",
        frozenset({"provider", "admin"}),
        decides="getProvider",
        shows="recent_claims",
        twin=Twin('providerDashboard(providerId: "p-1")', "recent_claims"),
    ),
    Address(
        method="post",
        path="providers/p-1/notifications/n-1/read",
        pattern="providers/<id:provider_id>/notifications/<id:notification_id>/read",
        allowed=frozenset({"provider", "admin"}),
        decides="markNotificationRead",
        shows=None,
    ),
    read("admin/overview", "admin/overview", frozenset({"admin"}), shows=None, twin=Twin("adminOverview", None)),
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
