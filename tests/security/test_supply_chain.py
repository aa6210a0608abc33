"""Other people's code and our own, looked through for known weaknesses; and the list of what we ship."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.gateway import ROOT
from tests.support.programs import NOT_RUN

BIN: Final = Path(sys.executable).parent
REQUIREMENTS: Final = ROOT / "requirements" / "base.txt"
OURS: Final = ("gateway_clients", "claims", "members", "dashboard", "bff_project", "manage.py")
#: What bandit finds and why it is no weakness; it counts what ruff's `noqa` does not tell it.
KNOWN: Final = {
    ("bff_project/processes/gateway.py", "B108"): "the folder in memory for a file whose name nobody can guess",
    ("bff_project/processes/ports.py", "B104"): "what a server listens on; nginx or an ingress stands before it",
    ("gateway_clients/audit/retention.py", "B608"): "the name of a partition, as the database itself lists it",
}
PIN: Final = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)(?: ;[^\\]*)? \\$", re.MULTILINE)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(BIN / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False, timeout=110
    )


def pins() -> dict[str, str]:
    """What is pinned: name → version."""
    return dict(PIN.findall(REQUIREMENTS.read_text()))


def test_bandit_finds_nothing_new_in_our_code() -> None:
    done = run("bandit", "-q", "-r", *OURS, "-ll", "-ii", "-f", "json")

    found: list[dict[str, Any]] = json.loads(done.stdout)["results"]
    assert {(each["filename"], each["test_id"]) for each in found} == set(KNOWN)


def test_no_package_that_we_ship_has_a_known_vulnerability() -> None:
    done = run(
        "pip-audit", "--disable-pip", "--require-hashes", "-r", str(REQUIREMENTS), "--progress-spinner", "off",
        "--timeout", "5", "-f", "json",
    )  # fmt: skip
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except ValueError:
        pytest.skip(f"{NOT_RUN} that knows of vulnerabilities: pip-audit reached no database of advisories")
    audited = [package for package in packages if "skip_reason" not in package]
    if not audited:
        pytest.skip(f"{NOT_RUN} that knows of vulnerabilities: the index here has no advisories")
    assert {package["name"]: package["vulns"] for package in audited if package["vulns"]} == {}
    assert len(audited) == len(pins())


def test_every_package_is_pinned_with_its_hashes() -> None:
    blocks = re.split(r"^(?=[a-z0-9])", REQUIREMENTS.read_text(), flags=re.MULTILINE)[1:]

    assert len(blocks) == len(pins())
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.long
def test_the_bill_of_materials_lists_what_is_pinned_with_hashes(tmp_path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    (recipe,) = re.findall(r"^sbom:.*\n\t@\$\(BIN\)/(cyclonedx-py .*)$", makefile, re.MULTILINE)
    written = tmp_path / "sbom.json"

    done = run(*recipe.replace("sbom.json", str(written)).split())

    assert done.returncode == 0, done.stderr
    bill = json.loads(written.read_text())
    assert bill["bomFormat"] == "CycloneDX"
    assert {each["name"]: each["version"] for each in bill["components"]} == pins()
    assert all(each["externalReferences"][0]["hashes"] for each in bill["components"])
