"""Nobody but the member is shown anything, or told of a refusal, while the audit trail cannot be written."""

from collections.abc import Sequence

import pytest

from gateway_clients.audit.entries import AuditRow
from gateway_clients.audit.recorder import AuditUnavailableError, Recorder, recorder
from tests.graphql.test_access import query_of
from tests.portal.address import Address
from tests.portal.addresses import ADDRESSES, VIEWS
from tests.portal.conftest import as_
from tests.support.answering import upstreams

__all__ = ["as_", "upstreams"]


@pytest.fixture
def unwritten(monkeypatch: pytest.MonkeyPatch) -> list[AuditRow]:
    """The rows that were to be written before an answer, and were not."""
    found: list[AuditRow] = []

    def fail(_self: Recorder, rows: Sequence[AuditRow]) -> None:
        found.extend(rows)
        raise AuditUnavailableError

    recorder.cache_clear()
    monkeypatch.setattr(Recorder, "commit", fail)
    return found


@pytest.mark.parametrize("address", [each for each in ADDRESSES if each.shows], ids=str)
@pytest.mark.parametrize("who", ["provider", "other provider", "admin"])
def test_an_address_answers_503(address: Address, who: str, as_, upstreams, unwritten: list[AuditRow]) -> None:
    answer = address.asked_by(as_(who))

    if who not in address.allowed and answer.status_code == 502:
        return  # The upstream was told to answer nonsense: nothing was refused.
    assert unwritten
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/problem+json")
    assert "Retry-After" in answer.headers


@pytest.mark.parametrize("address", [name for name, each in VIEWS.items() if each.twin is not None and each.twin.shows])
@pytest.mark.parametrize("who", ["provider", "admin"])
def test_an_operation_answers_503(address: str, who: str, as_, upstreams, unwritten: list[AuditRow]) -> None:
    answer = as_(who).post("/graphql", {"query": query_of(address)}, "application/json")

    assert unwritten
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/json")
    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == ["UPSTREAM_UNAVAILABLE"]
    assert "data" not in answer.json()
    assert "Retry-After" in answer.headers
