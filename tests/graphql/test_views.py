"""The GraphQL views as portals meet them."""

import pytest

from tests.support.answering import LATE
from tests.upstream_answers import BENEFIT, CLAIM, PROVIDER, a_page

THE_QUERY = "query($m: String!) { memberDashboard(memberId: $m) { memberId name planName recentClaims { id status } } }"


def test_the_query_of_the_portals_works_as_it_stands(ask, upstreams) -> None:
    answer = ask("member", THE_QUERY, m="m-1")

    assert answer["data"] == {
        "memberDashboard": {
            "memberId": "m-1",
            "name": "Siti Rahayu",
            "planName": "Askes Gold",
            "recentClaims": [{"id": "clm-1", "status": "submitted"}],
        }
    }
    assert "errors" not in answer
    assert sorted(upstreams.operations) == ["getMember", "listClaims"]
    assert answer["extensions"]["sections"] == {
        "memberDashboard": {"member": {"state": "fresh", "age": 0}, "recentClaims": {"state": "fresh", "age": 0}}
    }


def test_a_section_that_failed_is_null_beside_the_others_and_says_why(ask, upstreams) -> None:
    upstreams.answers["listMemberBenefits"] = LATE

    answer = ask(
        "member",
        '{ d: memberDashboard(memberId: "m-1") { name benefitsSummary { totalLimit } meta { complete } } }',
    )

    assert answer["data"]["d"]["name"] == "Siti Rahayu"
    assert answer["data"]["d"]["benefitsSummary"] is None
    assert answer["data"]["d"]["meta"]["complete"] is False
    (error,) = answer["errors"]
    assert error["path"] == ["d", "benefitsSummary"]
    assert error["extensions"]["code"] == "UPSTREAM_TIMEOUT"
    assert error["extensions"]["request_id"]


def test_the_providers_of_a_list_of_claims_are_one_call(ask, upstreams) -> None:
    upstreams.answers["listClaims"] = a_page(*(CLAIM | {"id": f"clm-{n}"} for n in range(5)))
    upstreams.answers["searchProviders"] = a_page(PROVIDER)

    answer = ask("member", '{ memberClaims(memberId: "m-1") { id provider { name isActive } } }')

    assert [each["provider"]["name"] for each in answer["data"]["memberClaims"]] == ["RS Sehat"] * 5
    assert upstreams.targets == [
        "/claims?member_id=m-1&limit=10&offset=0",
        "/providers?ids=p-1&limit=1&offset=0",
    ]


OVERVIEW = """{ adminOverview {
    claimsSummary { total } upstreams { name state } cache { entries memoryBytes } meta { sections { name state } }
} }"""


def test_the_admin_overview_is_the_one_of_rest(ask, as_, upstreams) -> None:
    shown = ask("admin", OVERVIEW)["data"]["adminOverview"]

    over_rest = as_("admin").get("/api/v1/admin/overview").json()
    assert shown["claimsSummary"] == {"total": over_rest["claims_summary"]["total"]}
    assert [each["name"] for each in shown["upstreams"]] == [each["name"] for each in over_rest["upstreams"]]
    assert [each["name"] for each in shown["meta"]["sections"]] == ["claimsSummary", "upstreams", "cache"]


def test_an_overview_without_claims_calls_nobody(ask, upstreams) -> None:
    answer = ask("admin", "{ adminOverview { cache { entries } meta { sections { name } } } }")

    assert upstreams.asked == []
    assert answer["data"]["adminOverview"]["meta"]["sections"] == [{"name": "upstreams"}, {"name": "cache"}]


def test_an_overview_shows_the_rest_when_the_claims_are_down(ask, upstreams) -> None:
    upstreams.answers["summarizeClaims"] = LATE

    answer = ask("admin", OVERVIEW)

    assert answer["data"]["adminOverview"]["claimsSummary"] is None
    assert answer["errors"][0]["path"] == ["adminOverview", "claimsSummary"]
    assert answer["errors"][0]["extensions"]["code"] == "UPSTREAM_TIMEOUT"


def test_the_overview_is_for_admins_alone(ask, upstreams) -> None:
    for who in ("member", "provider", "nobody"):
        assert ask(who, OVERVIEW)["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert upstreams.asked == []


def test_a_member_changes_how_to_be_reached(ask, sandbox) -> None:
    change = """mutation($c: ContactInput!) { updateContact(memberId: "m-1", contact: $c) { id phone } }"""

    changed = ask("member", change, c={"phone": "+62 811-000-111", "email": None})
    shown = ask("member", '{ memberProfile(memberId: "m-1") { personal { phone } } }')

    assert changed["data"] == {"updateContact": {"id": "m-1", "phone": "+62 811-000-111"}}
    assert shown["data"]["memberProfile"]["personal"]["phone"] == "+62 811-000-111"


def test_a_wrong_contact_names_its_field_and_nobody_is_called(ask, upstreams) -> None:
    change = """mutation($c: ContactInput!) { updateContact(memberId: "m-1", contact: $c) { id } }"""

    wrong = ask("member", change, c={"phone": "call me"})
    nothing = ask("member", change, c={})

    assert list(wrong["errors"][0]["extensions"]["errors"]) == ["phone"]
    assert nothing["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert upstreams.asked == []


def test_a_notification_is_marked_as_read(ask, sandbox) -> None:
    listed = ask("member", '{ memberProfile(memberId: "m-1") { notifications(limit: 50) { id isRead } } }')
    unread = next(each["id"] for each in listed["data"]["memberProfile"]["notifications"] if not each["isRead"])

    marked = ask(
        "member",
        'mutation($n: String!) { markNotificationRead(memberId: "m-1", notificationId: $n) { id isRead } }',
        n=unread,
    )

    assert marked["data"] == {"markNotificationRead": {"id": unread, "isRead": True}}


@pytest.mark.parametrize("total", [2**31, 3_000_000_000])
def test_a_number_past_ints_end_costs_its_field(total: int, ask, upstreams) -> None:
    upstreams.answers["listClaims"] = a_page(CLAIM, total=total)

    answer = ask("member", '{ claims(memberId: "m-1") { total claims { id } } me { memberId } }')

    assert answer["data"] == {"claims": {"total": None, "claims": [{"id": "clm-1"}]}, "me": {"memberId": "m-1"}}
    (error,) = answer["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["claims", "total"], "UPSTREAM_BAD_ANSWER")


def test_a_number_that_must_be_there_costs_its_item(ask, upstreams) -> None:
    good, large = {"benefit_code": "A", "amount": 1}, {"benefit_code": "B", "amount": 1, "quantity": 2**31}
    upstreams.answers["getClaim"] = CLAIM | {"items": [large, good]}

    answer = ask("member", '{ claim(memberId: "m-1", claimId: "clm-1") { id items { benefitCode quantity } } }')

    assert answer["data"] == {"claim": {"id": "clm-1", "items": [{"benefitCode": "A", "quantity": 1}]}}
    assert [error["path"] for error in answer["errors"]] == [["claim", "items", 0, "quantity"]]


ITEM = {"benefit_code": "A", "amount": 1}
STEP = {"status": "submitted", "at": "2026-03-02T08:30:00Z"}


@pytest.mark.parametrize(
    ("spoiled", "shown"),
    [
        ({"items": "garbage", "history": [STEP]}, {"items": None, "timeline": [{"status": "submitted"}]}),
        ({"items": [{}], "history": [STEP]}, {"items": None, "timeline": [{"status": "submitted"}]}),
        ({"items": [ITEM], "history": None}, {"items": [{"benefitCode": "A"}], "timeline": None}),
    ],
    ids=["items of another type", "no item that can be read", "no history"],
)
def test_a_listed_claims_list_that_cannot_be_read_is_null_and_says_why(spoiled, shown, ask, upstreams) -> None:
    upstreams.answers["listClaims"] = a_page(CLAIM | spoiled)
    upstreams.answers["getClaim"] = CLAIM | spoiled

    answer = ask("member", '{ memberClaims(memberId: "m-1") { items { benefitCode } timeline { status } } }')

    assert answer["data"] == {"memberClaims": [shown]}
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"UPSTREAM_BAD_ANSWER"}


@pytest.mark.parametrize("amount", [2**31, 3_000_000_000, 10**15])
def test_an_amount_may_be_larger_than_an_int_and_is_a_whole_number(amount: int, ask, upstreams) -> None:
    upstreams.answers["getClaim"] = CLAIM | {"total_amount": amount, "approved_amount": amount}
    upstreams.answers["listMemberBenefits"] = {"items": [BENEFIT | {"annual_limit": amount, "used_amount": 0}]}

    data = ask(
        "member",
        """{ claim(memberId: "m-1", claimId: "clm-1") { totalAmount approvedAmount }
             memberDashboard(memberId: "m-1") {
                 benefitsSummary { totalLimit items { annualLimit remainingAmount } } } }""",
    )["data"]

    assert repr(data["claim"]) == f"{{'totalAmount': {amount}, 'approvedAmount': {amount}}}"
    assert data["memberDashboard"]["benefitsSummary"] == {
        "totalLimit": amount,
        "items": [{"annualLimit": amount, "remainingAmount": amount}],
    }


MOMENT = "0001-01-01T00:00:00+07:00"


def test_a_moment_that_no_year_of_ours_has_costs_its_field(ask, as_, upstreams) -> None:
    upstreams.answers["getClaim"] = CLAIM | {"submitted_at": MOMENT}
    upstreams.answers["listClaims"] = a_page(CLAIM | {"submitted_at": MOMENT})

    data = ask("member", '{ claim(memberId: "m-1", claimId: "clm-1") { id submittedAt } }')["data"]
    detail = as_("member").get("/api/v1/claims/m-1/clm-1").json()
    listed = as_("member").get("/api/v1/claims/m-1").json()

    assert data == {"claim": {"id": "clm-1", "submittedAt": None}}
    assert (detail["id"], detail["submitted_at"]) == ("clm-1", None)
    assert [claim["id"] for claim in listed["claims"]] == ["clm-1"]
