"""What the doctor says of the certificates that upstreams show."""

from pathlib import Path
from typing import Any

import pytest

from bff_project.doctor.finding import Finding, Level
from bff_project.doctor.upstream_examination import examine_upstreams
from bff_project.processes.ports import free_port
from gateway_clients.conf import SERVICES
from tests.support.certificates import Authority
from tests.support.upstream import RawUpstream, closes, says_json

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nobody_else(settings: Any) -> None:
    for name in SERVICES:
        setattr(settings, f"{name.upper()}_SERVICE_URL", f"http://127.0.0.1:{free_port()}")


def told_of_claims() -> list[Finding]:
    return [finding for finding in examine_upstreams("m-1") if finding.area == "claims"]


@pytest.mark.parametrize(
    ("days", "level", "advice"), [(90, Level.OK, ""), (22, Level.OK, ""), (21, Level.WARNING, "Have it renewed.")]
)
def test_it_says_when_a_trusted_one_ends(days: int, level: Level, advice: str, tmp_path: Path, settings: Any) -> None:
    authority = Authority(tmp_path, days=days)
    settings.CA_BUNDLE = str(authority.bundle)
    with RawUpstream(says_json({}), tls=authority.server_context()) as upstream:
        settings.CLAIMS_SERVICE_URL = upstream.url
        found = told_of_claims()

    assert (found[0].level, found[0].text.partition(",")[0]) == (Level.OK, "it is up")
    assert (found[1].level, found[1].advice) == (level, advice)
    assert found[1].text == f"TLSv1.3, its certificate ends in {days - 1} days"


def test_one_that_is_not_trusted_is_wrong(tmp_path: Path, settings: Any) -> None:
    settings.CA_BUNDLE = str(Authority(tmp_path / "trusted").bundle)
    with RawUpstream(says_json({}), tls=Authority(tmp_path / "other").server_context()) as upstream:
        settings.CLAIMS_SERVICE_URL = upstream.url
        found = told_of_claims()

    assert (found[1].level, found[1].advice) == (Level.WRONG, "See CA_BUNDLE.")
    assert found[1].text.startswith("its certificate is not trusted: ")


def test_an_upstream_that_is_down_or_speaks_no_tls_shows_none_to_be_trusted_or_not(settings: Any) -> None:
    settings.CLAIMS_SERVICE_URL = f"https://127.0.0.1:{free_port()}"
    down = told_of_claims()
    with RawUpstream(closes) as upstream:
        settings.CLAIMS_SERVICE_URL = upstream.url.replace("http://", "https://")
        plain = told_of_claims()

    for found in (down, plain):
        assert (found[1].level, found[1].text.partition(":")[0]) == (Level.WRONG, "it shows no certificate")
        assert "CA_BUNDLE" not in found[1].advice


def test_one_without_tls_is_a_warning_in_production(settings: Any) -> None:
    settings.ENVIRONMENT = "production"
    found = told_of_claims()

    assert (found[1].level, found[1].text) == (Level.WARNING, "it is called without TLS")
