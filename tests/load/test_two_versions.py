"""A rolling deploy: two versions of the gateway, one with a field more, on one Redis and one database."""

import json
import shutil
from pathlib import Path
from typing import Any, Final

import pytest

from tests.load.conftest import Start
from tests.support.gateway import ROOT, RunningGateway

pytestmark = pytest.mark.long

PACKAGES: Final = ("bff_project", "claims", "dashboard", "gateway_clients", "members", "sandbox", "docs", "manage.py")
#: What the next version says besides: (file, text, text of the next version).
CHANGES: Final = (
    (
        "members/view_models/records.py",
        '    title: Annotated[str, Meta(description="The title.")]\n',
        '    title: Annotated[str, Meta(description="The title.")]\n'
        '    tone: Annotated[str, Meta(description="The tone.")]\n',
    ),
    (
        "members/transformers/insured.py",
        "        title=notification.title,\n",
        '        title=notification.title,\n        tone="calm",\n',
    ),
)
QUERY: Final = "query($id: String!) { memberDashboard(memberId: $id) { name notifications { id title tone } } }"
OLD_QUERY: Final = QUERY.replace(" tone", "")
DASHBOARD: Final = "/api/v1/dashboard/m-1"


@pytest.fixture
def next_tree(tmp_path: Path) -> Path:
    """A checkout of the next version."""
    tree = tmp_path / "next"
    for name in PACKAGES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tree / name)
    for name, old, new in CHANGES:
        text = (tree / name).read_text()
        assert text.count(old) == 1, f"{name} no longer says {old!r}"
        (tree / name).write_text(text.replace(old, new))
    return tree


def tones(notifications: list[dict[str, Any]]) -> set[str | None]:
    assert notifications
    return {each.get("tone") for each in notifications}


def tones_over_rest(gateway: RunningGateway) -> set[str | None]:
    reply = gateway.get(DASHBOARD)
    assert (reply.status, reply.json["meta"]["complete"]) == (200, True)
    return tones(reply.json["notifications"])


def tones_over_graphql(gateway: RunningGateway, query: str) -> set[str | None]:
    headers = gateway.headers_of("admin", Content_Type="application/json")
    body = json.dumps({"query": query, "variables": {"id": "m-1"}}).encode()
    answer = gateway.ask("POST", "/graphql", headers=headers, body=body).json
    assert "errors" not in answer
    return tones(answer["data"]["memberDashboard"]["notifications"])


def test_each_version_shows_its_own_fields_whatever_the_other_has_kept(start: Start, next_tree: Path) -> None:
    old, new = start(), start(tree=next_tree)

    over_rest = [tones_over_rest(gateway) for gateway in (old, new, old, new)]
    over_graphql = [
        tones_over_graphql(*asked)
        for asked in ((old, OLD_QUERY), (new, QUERY), (old, OLD_QUERY), (new, OLD_QUERY), (new, QUERY))
    ]
    last = [gateway.get(DASHBOARD).headers["cache-status"] for gateway in (old, new)]

    assert over_rest == [{None}, {"calm"}] * 2
    assert over_graphql == [{None}, {"calm"}, {None}, {None}, {"calm"}]
    assert [status.startswith("web-bff; hit") for status in last] == [True, True]
