"""Which calls the views of claims and providers make, and what becomes of them."""

from dataclasses import dataclass
from typing import Any

import pytest
from pytest_django import Settings

from claims.aggregators import CLAIMS, PROVIDERS, claim_detail
from claims.aggregators import PROVIDER as PROVIDER_SPEC
from gateway_clients.caching.lookups import LookupResult
from gateway_clients.edge.access.resources import EVERYTHING, Scope
from gateway_clients.edge.errors import NotFoundError
from gateway_clients.edge.input.parameters import Page
from gateway_clients.errors import (
    UpstreamCircuitOpenError,
    UpstreamContractError,
    UpstreamNotFoundError,
    UpstreamTimeoutError,
)
from gateway_clients.pipeline.outcome import SectionState
from gateway_clients.pipeline.upstreams import upstream
from tests.support.answering import LATE, AnsweringUpstreams
from tests.support.calls import gateway_for
from tests.support.waiting import wait_until
from tests.upstream_answers import CLAIM, PROVIDER, a_page


@dataclass(frozen=True)
class FakeCaller:
    roles: frozenset[str]
    member_id: str | None = None
    provider_id: str | None = None


MEMBER = FakeCaller(frozenset({"member"}), member_id="m-1")
AT_PROVIDER = FakeCaller(frozenset({"provider"}), provider_id="p-1")
ADMIN = FakeCaller(frozenset({"admin"}))
OWN = Scope(member_id="m-1")
THEIRS = Scope(provider_id="p-1")
FIRST = Page(limit=20, offset=0)
OF_MEMBER = {"member_id": "m-1"}


def test_a_page_of_claims_tells_its_total_and_how_it_came_about(upstreams: AnsweringUpstreams) -> None:
    asked = {"member_id": "m-1", "status": "submitted"}

    shown = CLAIMS.page(gateway_for(), asked, scope=OWN, page=Page(limit=5, offset=10)).result()

    assert upstreams.targets == ["/claims?member_id=m-1&status=submitted&limit=5&offset=10"]
    assert [claim.id for claim in shown.claims] == ["clm-1"]
    assert (shown.total, shown.limit, shown.offset, shown.meta.complete) == (17, 5, 10, True)
    assert shown.meta.sections["claims"].state == "fresh"


@pytest.mark.parametrize(
    ("scope", "member_id", "provider_id", "target", "key"),
    [
        (OWN, "m-1", None, "member_id=m-1", "claims:member:m-1:list:limit=20&offset=0"),
        (OWN, None, None, "member_id=m-1", "claims:member:m-1:list:limit=20&offset=0"),
        (
            OWN,
            None,
            "p-9",
            "member_id=m-1&provider_id=p-9",
            "claims:member:m-1:list:provider_id=p-9&limit=20&offset=0",
        ),
        (
            THEIRS,
            "m-1",
            None,
            "member_id=m-1&provider_id=p-1",
            "claims:member:m-1:for:provider:p-1:list:provider_id=p-1&limit=20&offset=0",
        ),
        (THEIRS, None, None, "provider_id=p-1", "claims:provider:p-1:for:provider:p-1:list:limit=20&offset=0"),
        (EVERYTHING, "m-1", None, "member_id=m-1", "claims:member:m-1:list:limit=20&offset=0"),
        (EVERYTHING, None, "p-1", "provider_id=p-1", "claims:provider:p-1:list:limit=20&offset=0"),
        (EVERYTHING, None, None, "", "None"),
    ],
)
def test_claims_are_asked_for_within_what_the_caller_may_see(
    scope: Scope,
    member_id: str | None,
    provider_id: str | None,
    target: str,
    key: str,
    upstreams: AnsweringUpstreams,
) -> None:
    gateway, asked = gateway_for(), {"member_id": member_id, "provider_id": provider_id}
    upstreams.answers["listClaims"] = a_page()

    CLAIMS.page(gateway, asked, scope=scope, page=FIRST).result()

    assert upstreams.targets == ["/claims?" + "&".join(filter(None, (target, "limit=20&offset=0")))]
    assert [str(each.call.key).partition("~")[0] for each in gateway.fan_out.calls] == [key]


def test_a_stale_page_says_so(
    upstreams: AnsweringUpstreams, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shown() -> Any:
        return CLAIMS.page(gateway_for(), OF_MEMBER, scope=OWN, page=FIRST).result()

    settings.CACHE_TTL_SECONDS_CLAIMS = 0.05
    assert shown().meta.complete is True
    upstreams.answers["listClaims"] = LATE
    wait_until(lambda: shown().meta.sections["claims"].state == "stale")
    monkeypatch.setattr(LookupResult, "age_seconds", 61.9)

    page = shown()

    assert [claim.id for claim in page.claims] == ["clm-1"]
    assert page.meta.complete is False
    assert (page.meta.sections["claims"].state, page.meta.sections["claims"].age) == ("stale", 61)


def test_claims_that_could_not_be_read_are_counted(upstreams: AnsweringUpstreams) -> None:
    upstreams.answers["listClaims"] = a_page(CLAIM, {"id": "clm-2"})

    shown = CLAIMS.page(gateway_for(), OF_MEMBER, scope=OWN, page=FIRST).result()

    assert [claim.id for claim in shown.claims] == ["clm-1"]
    assert shown.meta.sections["claims"].omitted == 1


def test_no_more_claims_are_shown_than_were_asked_for(upstreams: AnsweringUpstreams) -> None:
    upstreams.answers["listClaims"] = a_page(CLAIM, CLAIM, CLAIM)

    assert len(CLAIMS.page(gateway_for(), OF_MEMBER, scope=OWN, page=Page(limit=2, offset=0)).result().claims) == 2


def test_without_the_claims_service_there_is_no_page_of_claims(upstreams: AnsweringUpstreams) -> None:
    upstreams.answers["listClaims"] = LATE

    with pytest.raises(UpstreamTimeoutError):
        CLAIMS.page(gateway_for(), OF_MEMBER, scope=OWN, page=FIRST).result()


def test_behind_an_open_breaker_there_is_none_either(upstreams: AnsweringUpstreams) -> None:
    upstream("claims").breaker.open()

    with pytest.raises(UpstreamCircuitOpenError):
        CLAIMS.page(gateway_for(), OF_MEMBER, scope=OWN, page=FIRST).result()
    assert upstreams.asked == []


def test_a_page_with_somebody_elses_claim_is_a_bad_answer(upstreams: AnsweringUpstreams) -> None:
    upstreams.answers["listClaims"] = a_page(CLAIM, CLAIM | {"id": "clm-2", "member_id": "m-2"})

    with pytest.raises(UpstreamContractError):
        CLAIMS.page(gateway_for(), OF_MEMBER, scope=OWN, page=FIRST).result()


@pytest.mark.parametrize(
    ("caller", "scope"),
    [(MEMBER, OWN), (AT_PROVIDER, THEIRS), (ADMIN, EVERYTHING)],
    ids=["member", "provider", "admin"],
)
def test_a_claim_is_shown_to_those_it_concerns_with_what_they_may_do(
    caller: FakeCaller, scope: Scope, upstreams: AnsweringUpstreams
) -> None:
    shown, section = claim_detail(gateway_for(), "m-1", "clm-1", scope=scope, caller=caller).result()

    assert (shown.id, shown.display_number, section.state) == ("clm-1", "CLM-2026-000001", SectionState.FRESH)
    assert shown.actions == ("cancel", "upload_document")
    assert upstreams.targets == ["/claims/clm-1"]


@pytest.mark.parametrize(
    ("answer", "caller", "scope"),
    [
        (CLAIM | {"member_id": "m-2"}, MEMBER, OWN),
        (CLAIM | {"member_id": "m-2"}, ADMIN, EVERYTHING),
        (CLAIM | {"member_id": "m-2"}, AT_PROVIDER, THEIRS),
        (CLAIM | {"provider": {"id": "p-2"}}, AT_PROVIDER, THEIRS),
        (CLAIM | {"provider": {"name": "RS Sehat"}}, AT_PROVIDER, THEIRS),
        (CLAIM | {"provider": None}, AT_PROVIDER, THEIRS),
    ],
)
def test_another_ones_claim_is_not_found_and_only_the_read_that_tells_was_made(
    answer, caller, scope, upstreams: AnsweringUpstreams
) -> None:
    upstreams.answers["getClaim"] = answer

    with pytest.raises(NotFoundError):
        claim_detail(gateway_for(), "m-1", "clm-1", scope=scope, caller=caller).result()
    assert upstreams.operations == ["getClaim"]


def test_a_claim_that_does_not_exist_is_not_found(upstreams: AnsweringUpstreams) -> None:
    upstreams.answers["getClaim"] = 404

    with pytest.raises(UpstreamNotFoundError):
        claim_detail(gateway_for(), "m-1", "clm-1", scope=OWN, caller=MEMBER).result()


def test_a_member_who_is_also_a_provider_elsewhere_may_do_what_either_may(upstreams: AnsweringUpstreams) -> None:
    both = FakeCaller(frozenset({"member", "provider"}), member_id="m-9", provider_id="p-1")

    shown, _ = claim_detail(gateway_for(), "m-1", "clm-1", scope=THEIRS, caller=both).result()

    assert shown.actions == ("cancel", "upload_document")


def test_nothing_may_be_done_with_a_claim_one_only_happens_to_see(upstreams: AnsweringUpstreams) -> None:
    stranger = FakeCaller(frozenset({"member"}), member_id="m-9")

    shown, _ = claim_detail(gateway_for(), "m-1", "clm-1", scope=EVERYTHING, caller=stranger).result()

    assert shown.actions == ()


def test_providers_are_searched_page_by_page(upstreams: AnsweringUpstreams) -> None:
    shown = PROVIDERS.page(gateway_for(), {"q": "sehat"}, page=Page(limit=10, offset=30)).result()

    assert upstreams.targets == ["/providers?q=sehat&limit=10&offset=30"]
    assert ([provider.id for provider in shown.items], shown.total, shown.limit, shown.offset) == (["p-1"], 17, 10, 30)


def test_one_provider(upstreams: AnsweringUpstreams) -> None:
    shown, section = PROVIDER_SPEC.record(gateway_for(), {"provider_id": "p-1"}).result()

    assert (shown.id, shown.type, section.state) == ("p-1", "hospital", SectionState.FRESH)


def test_another_provider_than_asked_for_is_a_bad_answer(upstreams: AnsweringUpstreams) -> None:
    upstreams.answers["getProvider"] = PROVIDER | {"id": "p-2"}

    with pytest.raises(UpstreamContractError):
        PROVIDER_SPEC.record(gateway_for(), {"provider_id": "p-1"}).result()
