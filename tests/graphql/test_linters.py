"""What linters of GraphQL schemas say of ours: nothing that is not argued away here or in `tests/node/linters`."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.support.node_project import RUN_SECONDS, linters
from tests.support.programs import program

__all__ = ["linters"]

pytestmark = pytest.mark.long

SCHEMA: Final = Path(__file__).resolve().parents[2] / "schema.graphql"
#: Rules of graphql-schema-linter that do not hold here, each with its reason.
ARGUED_AWAY: Final[Mapping[str, str]] = {
    "enum-values-all-caps": "values are written as over REST, so that a portal has one set of names for both",
    "enum-values-sorted-alphabetically": "values stand in the order of a life: submitted, processing, approved, paid",
    "type-fields-sorted-alphabetically": "fields stand in the order in which they are read, which is that of REST",
    "input-object-fields-sorted-alphabetically": "as for types",
    "relay-page-info-spec": "pages are by limit and offset, as the services' are; there are no Relay connections",
    "relay-connection-types-spec": "as for relay-page-info-spec",
    "relay-connection-arguments-spec": "as for relay-page-info-spec",
}
FLAWED: Final = "type Query { Bad_name: String }"


def eslint_findings(project: Path, schema: Path) -> Sequence[str]:
    """What GraphQL ESLint says of a schema, under the rules of `tests/node/linters/eslint.config.mjs`."""
    (project / "schema.graphql").write_text(schema.read_text())
    found = subprocess.run(
        [program("node"), "node_modules/eslint/bin/eslint.js", "--format", "json", "schema.graphql"],
        cwd=project, capture_output=True, text=True, timeout=RUN_SECONDS, check=False,
    )  # fmt: skip
    assert found.returncode in {0, 1}, found.stderr
    return [f"{each['line']}: {each['message']}" for file in json.loads(found.stdout) for each in file["messages"]]


def schema_linter_findings(project: Path, schema: Path) -> Sequence[str]:
    """What graphql-schema-linter says of a schema, under all of its rules that are not argued away."""
    rules = sorted(
        path.stem.replace("_", "-") for path in (project / "node_modules/graphql-schema-linter/lib/rules").glob("*.js")
    )
    assert ARGUED_AWAY.keys() < set(rules)
    (project / "schema.graphql").write_text(schema.read_text())
    wanted = ",".join(rule for rule in rules if rule not in ARGUED_AWAY)
    found = subprocess.run(
        [program("node"), "node_modules/.bin/graphql-schema-linter", "--format", "json", "--rules", wanted,
         "schema.graphql"],
        cwd=project, capture_output=True, text=True, timeout=RUN_SECONDS, check=False,
    )  # fmt: skip
    assert found.returncode in {0, 1}, found.stderr
    return [each["message"] for each in json.loads(found.stdout)["errors"]]


def test_graphql_eslint_finds_nothing(linters: Path) -> None:
    assert eslint_findings(linters, SCHEMA) == []


def test_graphql_schema_linter_finds_nothing(linters: Path) -> None:
    assert schema_linter_findings(linters, SCHEMA) == []


def test_both_would_find_something(linters: Path, tmp_path: Path) -> None:
    flawed = tmp_path / "flawed.graphql"
    flawed.write_text(FLAWED)

    assert eslint_findings(linters, flawed)
    assert schema_linter_findings(linters, flawed)
