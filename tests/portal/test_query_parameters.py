"""What portals ask for in an address: parameters that reach the service, and those that are refused by their names."""

import pytest

from tests.portal.addresses import ADDRESSES


@pytest.mark.parametrize(
    ("address", "field"),
    [
        ("dashboard/m-1?sections=", "sections"),
        ("dashboard/m-1?sections=member,secrets", "sections"),
        ("dashboard/m-1?sections=member&sections=", "sections"),
        ("dashboard/m-1?sections=member&sections=secrets", "sections"),
        ("members/m-1?sections=recent_claims", "sections"),
        ("claims/m-1?status=unknown", "status"),
        ("claims/m-1?status=PAID", "status"),
        ("claims/m-1?limit=0", "limit"),
        ("claims/m-1?limit=101", "limit"),
        ("claims/m-1?limit=1e1", "limit"),
        ("claims/m-1?limit=%D9%A1", "limit"),
        ("claims/m-1?limit=%00", "limit"),
        ("claims/m-1?limit=", "limit"),
        ("claims/m-1?offset=-1", "offset"),
        ("claims/m-1?offset=+1", "offset"),
        ("claims?member_id=m%2F1", "member_id"),
        ("claims?provider_id=", "provider_id"),
        ("members/m-1/documents?claim_id=a.b", "claim_id"),
        ("members/m-1/eligibility?service_date=2026-03-01", "provider_id"),
        ("members/m-1/eligibility?provider_id=p-1", "service_date"),
        ("members/m-1/eligibility?provider_id=p-1&service_date=2026-02-30", "service_date"),
        ("members/m-1/eligibility?provider_id=p-1&service_date=20260301", "service_date"),
        (f"members?q={'x' * 101}", "q"),
        ("members?q=%00", "q"),
        ("providers?q=a&q=b", "q"),
        ("claims/m-1?limitt=1", "limitt"),
        ("claims/m-1?LIMIT=1", "LIMIT"),
        ("claims/m-1?member_id=m-1", "member_id"),
        ("claims/m-1?sections[]=a", "sections[]"),
        ("claims/m-1?limit=1&=", ""),
        (f"claims/m-1?{'x' * 200}=1", "x" * 64),
        ("claims/m-1?service_date_from=2026-W48-6", "service_date_from"),
        ("claims/m-1?service_date_to=2026-1-1", "service_date_to"),
        ("claims?service_date_from=%D9%A2026-01-01", "service_date_from"),
        ("claims?service_date_to=", "service_date_to"),
        ("claims?service_date_to=2026-01-01&service_date_to=2026-01-02", "service_date_to"),
        ("members/m-1/notifications?unread=1", "unread"),
        ("members/m-1/notifications?unread=True", "unread"),
        ("members/m-1/notifications?unread=", "unread"),
        ("members/m-1/notifications?unread=true&unread=false", "unread"),
        ("members/m-1/notifications?offset=0", "offset"),
    ],
)
def test_bad_input_names_its_field_and_nobody_is_called(address: str, field: str, as_, upstreams) -> None:
    answer = as_("admin").get(f"/api/v1/{address}")

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_user_input")
    assert list(answer.json()["errors"]) == [field]
    assert upstreams.asked == []


@pytest.mark.parametrize("address", ADDRESSES, ids=str)
def test_what_an_address_does_not_know_is_refused_by_its_name_and_nobody_is_called(address, as_, upstreams) -> None:
    joint = "&" if "?" in address.path else "?"

    answer = address.asked_by(as_("admin"), f"{address.path}{joint}unknwon=1")

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_user_input")
    assert answer.json()["errors"] == {"unknwon": ["Unknown query parameter."]}
    assert upstreams.asked == []


@pytest.mark.parametrize("path", ["auth/login", "auth/refresh", "auth/logout", "events"])
def test_addresses_that_are_open_to_all_refuse_it_too(path: str, as_) -> None:
    answer = as_(None).post(f"/api/v1/{path}?unknwon=1", {}, content_type="application/json")

    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["unknwon"])


def test_the_openapi_document_refuses_it_too(as_) -> None:
    answer = as_(None).get("/api/v1/schema?lang=id")

    assert (answer.status_code, answer.json()["errors"]) == (400, {"lang": ["Unknown query parameter."]})


def test_who_may_not_is_not_told_what_an_address_knows(as_, upstreams) -> None:
    assert as_("other member").get("/api/v1/claims/m-1?unknwon=1").status_code == 403
    assert as_(None).get("/api/v1/claims/m-1?unknwon=1").status_code == 401


@pytest.mark.parametrize(
    ("address", "target"),
    [
        (
            "claims/m-1?service_date_from=2026-01-01&service_date_to=2026-01-31&status=paid",
            "/claims?member_id=m-1&status=paid&service_date_from=2026-01-01&service_date_to=2026-01-31&limit=20&offset=0",
        ),
        ("claims?service_date_from=2026-01-01", "/claims?service_date_from=2026-01-01&limit=20&offset=0"),
        ("members/m-1/notifications?unread=true", "/notifications?member_id=m-1&unread=true&limit=21"),
        ("members/m-1/notifications?unread=false&limit=5", "/notifications?member_id=m-1&unread=false&limit=6"),
        ("members/m-1/notifications", "/notifications?member_id=m-1&limit=21"),
    ],
)
def test_what_is_asked_for_reaches_the_service(address: str, target: str, as_, upstreams) -> None:
    assert as_("admin").get(f"/api/v1/{address}").status_code == 200
    unread = ["/notifications?member_id=m-1&unread=true&limit=100"] if "notifications" in address else []
    assert sorted(upstreams.targets) == sorted([target, *unread])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("claims/m-1", "claims/m-1?service_date_from=2026-01-01"),
        ("claims/m-1?service_date_from=2026-01-01", "claims/m-1?service_date_to=2026-01-01"),
        ("members/m-1/notifications", "members/m-1/notifications?unread=true"),
        ("members/m-1/notifications?unread=true", "members/m-1/notifications?unread=false"),
    ],
)
def test_answers_to_different_questions_are_kept_apart(one: str, other: str, as_, upstreams) -> None:
    admin = as_("admin")

    for address in (one, other, one, other):
        assert admin.get(f"/api/v1/{address}").status_code == 200

    assert len({target for target in upstreams.targets if "limit=100" not in target}) == 2
    assert len([target for target in upstreams.targets if "limit=100" not in target]) == 2


@pytest.mark.parametrize(
    "query",
    [
        "sections=member,recent_claims",
        "sections=member&sections=recent_claims",
        "sections=recent_claims,member&sections=member",
    ],
)
def test_names_are_separated_by_commas_or_repeated(query: str, as_, upstreams) -> None:
    answer = as_("member").get(f"/api/v1/dashboard/m-1?{query}").json()

    assert list(answer) == ["member", "recent_claims", "meta"]


@pytest.mark.parametrize("address", ["dashboard/m.1", "claims/m%201", f"members/{'m' * 65}", "claims/m-1/a%2Fb"])
def test_a_bad_id_in_an_address_is_not_found(address: str, as_, upstreams) -> None:
    answer = as_("admin").get(f"/api/v1/{address}")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert upstreams.asked == []
