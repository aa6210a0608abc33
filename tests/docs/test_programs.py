"""Every snippet of the pages for portal developers is compiled with strict types and run against a gateway.

The programs of a page are its `ts` fences, each named by its first line; for each page there is a `drive-….ts` that
uses them. `sh` fences are run as they stand.
"""

import contextlib
import datetime
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from gateway_clients.edge.rest.documentation import PAGES
from gateway_clients.outbox.dispatcher import work_off
from members import token_families
from members.models import Account
from sandbox.testing import Sandbox
from tests.docs.pages import DOCS, ROOT
from tests.support.portals import expired
from tests.support.programs import program

pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]

HERE: Final = Path(__file__).parent / "programs"
FENCE: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAME: Final = re.compile(r"// ([a-z-]+\.ts)\n")
PASSWORD: Final = "a-long-password"
SECONDS: Final = 240
HERE_AS_WRITTEN: Final = "http://localhost:4000"


def fences(language: str) -> list[tuple[str, str]]:
    """The page and text of each fence of a language, on all pages for portal developers."""
    return [
        (file, text)
        for file in PAGES.values()
        for found, text in FENCE.findall((DOCS / file).read_text())
        if found == language
    ]


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of the pages, with the types of both documents and the list of their GraphQL documents."""
    npm, node = program("npm"), program("node")
    place = tmp_path_factory.mktemp("programs") / "project"
    shutil.copytree(HERE, place, ignore=shutil.ignore_patterns("node_modules"))
    run(npm, "ci", "--no-audit", "--no-fund", cwd=place)
    for file, text in fences("ts"):
        name = NAME.match(text)
        assert name is not None, f"{file}: the first line of a program is its file's name"
        assert not (place / name[1]).exists(), name[1]
        (place / name[1]).write_text(text)
    (place / "config.ts").write_text("export const GATEWAY: string = process.env.GATEWAY ?? '';\n")
    for name in ("schema.graphql", "openapi.yaml", ".spectral.yaml"):
        shutil.copy(ROOT / name, place / name)
    run(node, "node_modules/openapi-typescript/bin/cli.js", "openapi.yaml", "-o", "openapi.d.ts", cwd=place)
    run(node, "node_modules/@graphql-codegen/cli/esm/bin.js", "--config", "codegen.ts", cwd=place)
    return place


@pytest.fixture
def drive(project: Path, live_server: Any, sandbox: Sandbox) -> Callable[..., dict[str, Any]]:
    """Runs the driver of a page as a member; what it tells."""
    Account.objects.create_user("portal@example.com", PASSWORD, member_id="m-1")

    def driven(page: str, **more: str) -> dict[str, Any]:
        name = f"drive-{page}"
        node = program("node")
        run(node, "bundle.mjs", f"{name}.ts", f"{name}.mjs", cwd=project)
        given = {"email": "portal@example.com", "password": PASSWORD, "memberId": "m-1", **more}
        command = [node, f"{name}.mjs", json.dumps(given)]
        env = {"PATH": "/usr/bin:/bin", "GATEWAY": live_server.url}
        with subprocess.Popen(
            command, cwd=project, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as started:
            try:
                until = time.monotonic() + SECONDS
                while started.poll() is None and time.monotonic() < until:
                    work_off()  # the worker, which settles what is pending
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        started.wait(0.2)
            finally:
                started.kill()
            out, errors = started.communicate()
        assert started.returncode == 0, errors
        told: dict[str, Any] = json.loads(out)
        return told

    return driven


def test_every_program_and_driver_compiles_with_strict_types(project: Path) -> None:
    run(program("node"), "node_modules/typescript/bin/tsc", "--project", ".", cwd=project)


def test_every_page_with_a_program_has_a_driver() -> None:
    pages = {Path(file).stem for file, _ in fences("ts")}
    drivers = {path.stem.removeprefix("drive-") for path in HERE.glob("drive-*.ts")}
    assert drivers == pages - {"portals"} | {"first"}


def test_spectral_finds_nothing_that_is_not_argued_away(project: Path) -> None:
    command = ("node_modules/@stoplight/spectral-cli/dist/index.js", "lint", "openapi.yaml", "--fail-severity", "hint")
    told = run(program("node"), *command, cwd=project)
    assert "No results" in told


def test_the_first_program(drive) -> None:
    Account.objects.update(name="Siti Rahayu")
    assert drive("first") == {"name": "Siti Rahayu"}


def test_sign_in_and_renewal_in_two_tabs(drive) -> None:
    pair = token_families.begin(Account.objects.get())

    assert drive("sign-in", expired=expired(pair.access), refresh=pair.refresh) == {
        "isBrowserSignedIn": True,
        "left": 0,
        "wrong": None,
        "user": "",
        "isRenewed": True,
        "isShared": True,
        "afterRenewal": "m-1",
        "afterExpiry": "m-1",
        "afterSignOut": None,
    }


def test_a_section_that_is_missing_is_said_to_be(drive, sandbox: Sandbox) -> None:
    sandbox.fault("benefit", "error")
    told = drive("sections")

    assert (told["name"], told["claims"]) == ("Siti Rahayu", 5)
    assert dict(told["notes"])["benefits_summary"] == "not available"
    assert dict(told["notes"])["recent_claims"] == "whole"


def test_a_read_is_repeated_where_that_helps(drive, sandbox: Sandbox) -> None:
    sandbox.fault("policy", "error", times=2)  # the gateway itself asks twice
    assert drive("errors") == {"status": "active", "refused": "forbidden"}


def test_a_claim_whose_answer_was_lost_is_settled_while_the_portal_polls(drive, sandbox: Sandbox) -> None:
    sandbox.fault("claims", "lost", operation="submitClaim", times=1)
    day = (datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=7)).date().isoformat()
    told = drive("submit", day=day)

    assert told["outcome"]["status"] == "submitted"
    assert told["again"] == told["outcome"]
    assert len([entry for entry in sandbox.ledger("claims") if entry.operation == "submitClaim"]) == 1


def test_all_pages_of_a_list(drive) -> None:
    told = drive("lists")
    assert told["count"] == told["total"] > 1
    assert told["hasMore"] is True


def test_files_go_in_and_out_and_by_a_link_once(drive) -> None:
    told = drive("files")
    assert told["name"] == "receipt.pdf"
    assert told["bytes"] == told["linked"] == "%PDF-1.4\nreceipt"
    assert told["kind"].startswith("attachment")
    assert told["again"] == 401


def test_an_answer_that_is_held_is_not_sent_again(drive, settings) -> None:
    settings.RATE_LIMIT_MAX = 1_000
    told = drive("limits")
    assert (told["status"], told["isTheSame"]) == ("active", True)
    assert 0 < told["left"] < 1_000


def test_apollo_and_urql(drive) -> None:
    told = drive("graphql-clients")
    assert (told["name"], told["urql"], told["isComplete"], told["missing"]) == (
        "Siti Rahayu",
        "Siti Rahayu",
        True,
        None,
    )
    assert told["cancelled"] == told["kept"] == "cancelled"


def test_a_listed_document_is_asked_for_by_its_hash(drive, project: Path, settings) -> None:
    settings.GRAPHQL_TRUSTED_DOCUMENTS = str(project / "gql" / "persisted-documents.json")
    settings.GRAPHQL_TRUSTED_ONLY = True
    told = drive("persisted-documents")
    assert told["data"]["memberDashboard"]["name"] == "Siti Rahayu"


@pytest.mark.parametrize("file", sorted({file for file, _ in fences("sh")}))
def test_what_is_typed_into_a_shell_works(file: str, live_server, sandbox: Sandbox, tmp_path: Path) -> None:
    account = Account.objects.create_user("boss@example.com", PASSWORD, is_admin=True)
    Account.objects.create_user("siti.rahayu@example.com", "demo-member-1", member_id="m-1")
    (tmp_path / "receipt.pdf").write_bytes(b"%PDF-1.4\nreceipt")
    for text in (text for page, text in fences("sh") if page == file):
        done = subprocess.run(
            [program("bash"), "-euc", text.replace(HERE_AS_WRITTEN, live_server.url)],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "TOKEN": token_families.begin(account).access},
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("{")
        assert '"code"' not in done.stdout
