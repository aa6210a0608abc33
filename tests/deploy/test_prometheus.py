"""The rules and the dashboard, with a Prometheus of the test's own that scrapes a running gateway."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import pytest
import requests
import yaml

from bff_project.processes.ports import free_port
from sandbox.testing import Sandbox
from tests.database.conftest import prepare
from tests.events.signing import SECRET, body_of, headers_of
from tests.platform.settings_of import ROOT
from tests.support.gateway import RunningGateway
from tests.support.processes import Started, clean_environment
from tests.support.programs import program
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until
from tests.writes.cluster import Worker
from tests.writes.portal import a_claim
from tests.writes.servers import postgres

FOLDER: Final = ROOT / "deploy" / "prometheus"
RULES: Final = FOLDER / "rules.yml"
COMPARED: Final = re.compile(r"^(.+?) [<>] .+$", re.DOTALL)
QUICK: Final = "1s"
LOGIN: Final = "/api/v1/auth/login"
WRONG: Final = b'{"email": "nobody@example.com", "password": "wrong wrong wrong"}'
CLAIM: Final = json.dumps(a_claim()).encode()
EVENT: Final = body_of("member.updated", member_id="m-1")


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def panel_queries() -> dict[str, list[str]]:
    panels = json.loads((ROOT / "deploy" / "grafana" / "web-bff.json").read_text())["panels"]
    return {panel["title"]: [each["expr"] for each in panel["targets"]] for panel in panels if panel["type"] != "row"}


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_alert_leads_to_a_runbook_that_is_there() -> None:
    leads = [alert["annotations"]["runbook"].partition("#") for alert in alerts()]
    assert [anchor for page, _, anchor in leads if anchor not in anchors(page)] == []
    assert all(
        alert["labels"]["severity"] in {"page", "ticket"} and alert["annotations"]["summary"] for alert in alerts()
    )


def test_the_rules_are_those_that_prometheus_can_read() -> None:
    promtool = program("promtool")
    for command in (["rules", str(RULES)], ["config", str(FOLDER / "prometheus.yml")]):
        done = subprocess.run([promtool, "check", *command], capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr


def series(name: str, values: str) -> dict[str, str]:
    return {"series": name, "values": values}


ANSWERS: Final = 'http_request_duration_seconds_count{{route="/graphql",status="{0}"}}'
CALLS: Final = 'service_call_duration_seconds_count{{service="claims",outcome="{0}"}}'


def trips(name: str, *, below: str, above: str) -> list[dict[str, str]]:
    """A histogram of which nine in ten are below the first bound, and one between the two."""
    counts = {below: "0+90x60", above: "0+100x60", "+Inf": "0+100x60"}
    return [series(f'{name}_bucket{{le="{bound}"}}', values) for bound, values in counts.items()]


#: Of each alert what makes it fire at ten minutes, and the summary's end; nothing else may fire then.
FIRING: Final = {
    "AnswersFailFast": [series(ANSWERS.format(200), "0+90x60"), series(ANSWERS.format(503), "0+10x60")],
    "UpstreamFails": [series(CALLS.format("ok"), "0+80x60"), series(CALLS.format("upstream_timeout"), "0+20x60")],
    "DatabaseDown": [series('database_up{instance="a"}', "1x60"), series('database_up{instance="b"}', "0x60")],
    "OutboxLate": [series("outbox_oldest_due_seconds", "70+60x60")],
    "MessageParked": [series('outbox_messages{state="parked"}', "1x60")],
    "SubmissionUnknown": [series('submissions_open{operation="submit",state="unknown"}', "1x60")],
    "ContractDrift": [series('upstream_answer_drift_total{service="claims",field="amount"}', "0+1x60")],
    "GatewayAway": [series('up{job="web-bff"}', "0x60")],
    "WorkerAway": [series('up{job="web-bff-worker"}', "0x60")],
    "RedisSlow": trips("redis_round_trip_duration_seconds", below="0.01", above="0.05"),
    "DatabaseSlow": trips("database_round_trip_duration_seconds", below="0.1", above="0.25"),
    "DatabasePoolFull": [series('database_pool_waiting{job="web-bff"}', "2x60")],
    "EventsLate": trips("event_lag_seconds", below="60.0", above="300.0"),
    "AuditUnwritten": [series('audit_lag_seconds_count{outcome="unwritten"}', "0+1x60")],
}


def test_each_alert_fires_for_what_it_says_and_is_silent_when_all_is_well(tmp_path: Path) -> None:
    well = [
        series(ANSWERS.format(200), "0+100x60"),
        # Answers that say no, and calls that a crowd did not get through to an upstream that is well.
        *(series(CALLS.format(outcome), "0+100x60") for outcome in ("ok", "not_found", "conflict", "overloaded")),
        series("database_up", "1x60"),
        series("outbox_oldest_due_seconds", "3x60"),
        series('outbox_messages{state="parked"}', "0x60"),
        *(series(f'up{{job="{job}"}}', "1x60") for job in ("web-bff", "web-bff-worker")),
        series("redis_round_trip_duration_seconds_bucket" + '{le="0.005"}', "0+100x60"),
        series("redis_round_trip_duration_seconds_bucket" + '{le="+Inf"}', "0+100x60"),
        series('audit_lag_seconds_count{outcome="written"}', "0+100x60"),
        series('database_pool_waiting{job="web-bff"}', "0x60"),
    ]
    names = [alert["alert"] for alert in alerts()]
    tests = [
        {"interval": "1m", "input_series": well, "promql_expr_test": [none_firing("40m", names)]},
        *(
            {"interval": "1m", "input_series": given, "promql_expr_test": [firing("40m", name)]}
            for name, given in FIRING.items()
        ),
        # A name that leads to nobody any more has no targets, so there is nothing that could not be scraped.
        {
            "interval": "1m",
            "input_series": [series('up{job="another"}', "1x60")],
            "promql_expr_test": [firing("40m", "GatewayAway"), firing("40m", "WorkerAway")],
        },
    ]
    run_promtool(tmp_path, tests)


def test_what_a_process_has_in_its_memory_is_a_hit(tmp_path: Path) -> None:
    (query,) = panel_queries()["Cache hits"]
    looks = {"near": "0+80x60", "hit": "0+10x60", "miss": "0+10x60"}
    given = [
        series(f'cache_lookups_total{{data_class="claims",outcome="{outcome}"}}', values)
        for outcome, values in looks.items()
    ]
    share = {"labels": '{data_class="claims"}', "value": 0.9}
    asked = {"expr": query, "eval_time": "40m", "exp_samples": [share]}
    run_promtool(tmp_path, [{"interval": "1m", "input_series": given, "promql_expr_test": [asked]}])


def run_promtool(directory: Path, tests: list[dict[str, Any]]) -> None:
    path = directory / "tests.yml"
    path.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}))
    done = subprocess.run(
        [program("promtool"), "test", "rules", str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def none_firing(at: str, names: list[str]) -> dict[str, Any]:
    expr = f'count(ALERTS{{alertname=~"{"|".join(names)}",alertstate="firing"}})'
    return {"expr": expr, "eval_time": at, "exp_samples": []}


def firing(at: str, name: str) -> dict[str, Any]:
    expr = f'count(ALERTS{{alertname="{name}",alertstate="firing"}})'
    return {"expr": expr, "eval_time": at, "exp_samples": [{"labels": "{}", "value": 1}]}


class Prometheus(Started):
    """A Prometheus that scrapes the jobs of these names every second and knows our rules."""

    def __init__(self, folder: Path, **ports: int) -> None:
        self.port = free_port()
        conf = {
            "global": {"scrape_interval": QUICK, "evaluation_interval": QUICK},
            "rule_files": [str(RULES)],
            "scrape_configs": [
                {"job_name": job.replace("_", "-"), "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
                for job, port in ports.items()
            ],
        }
        (folder / "prometheus.yml").write_text(yaml.safe_dump(conf))
        command = [
            program("prometheus"),
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]
        super().__init__(command, cwd=folder, environment=clean_environment(), log=folder / "prometheus.log")

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series that an expression has now. Raises AssertionError for one that is refused."""
        try:
            answer = requests.get(
                f"http://127.0.0.1:{self.port}/api/v1/query?{urlencode({'query': expression})}", timeout=10
            )
        except requests.ConnectionError:
            return []
        assert answer.status_code in {200, 503}, f"{expression}: {answer.text}"
        return list(answer.json()["data"]["result"]) if answer.status_code == 200 else []


@pytest.fixture
def database() -> Iterator[str]:
    """A PostgreSQL database with the tables and the demo accounts."""
    with postgres() as url:
        prepare(url)
        yield url


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Every service, two of them broken."""
    with Sandbox() as running:
        running.fault("policy", "wrong_type", field="plan_name")
        running.fault("notification", "error")
        yield running


@pytest.fixture
def gateway(tmp_path: Path, redis_server: RedisServer, database: str, sandbox: Sandbox) -> Iterator[RunningGateway]:
    """A gateway that has seen all that the metrics tell of."""
    limits = {"EVENTS_WEBHOOK_SECRET": SECRET, "LOGIN_RATE_LIMIT_MAX": "3", "DATABASE_URL": database}
    running = RunningGateway(
        tmp_path, redis_url=redis_server.url, upstreams=sandbox.urls, database=tmp_path / "none", **limits
    )
    running.await_ready()
    yield running
    running.remove()


@pytest.fixture
def worker_port(tmp_path: Path, gateway: RunningGateway, sandbox: Sandbox, database: str) -> Iterator[int]:
    """Where its worker serves metrics, which has a message to send."""
    port = free_port()
    environment = {
        **clean_environment(),
        "ENVIRONMENT": "development",
        "DATABASE_URL": database,
        "REDIS_URL": gateway.redis_url,
        "WORKER_METRICS_PORT": str(port),
        **sandbox.urls,
    }
    running = Worker(environment, tmp_path / "worker.log")
    wait_until(running.is_ready, seconds=30)
    yield port
    running.remove()


@pytest.fixture
def prometheus(tmp_path: Path, gateway: RunningGateway, worker_port: int) -> Iterator[Prometheus]:
    """A Prometheus that scrapes both."""
    folder = tmp_path / "prometheus"
    folder.mkdir()
    running = Prometheus(folder, web_bff=gateway.metrics_port, web_bff_worker=worker_port)
    yield running
    running.remove()


@pytest.mark.long
def test_every_panel_and_every_alert_has_data_from_a_real_run(gateway: RunningGateway, prometheus: Prometheus) -> None:
    alert_queries = {
        alert["alert"]: [COMPARED.sub(r"\1", part) for part in alert["expr"].split(" and ")] for alert in alerts()
    }
    queries = {**panel_queries(), **alert_queries}
    empty = {title: list(asked) for title, asked in queries.items()}

    claiming = {
        **gateway.headers_of("member"),
        "Content-Type": "application/json",
        "Idempotency-Key": "a-claim-of-mine",
    }

    def all_have_data() -> bool:
        gateway.ask("POST", "/api/v1/events", headers=headers_of(EVENT), body=EVENT)
        gateway.ask("POST", "/api/v1/claims", headers=claiming, body=CLAIM)
        for number in range(1, 6):
            gateway.get(f"/api/v1/dashboard/m-{number}")
        for address, body in ((LOGIN, WRONG), ("/graphql", b'{"query": "{ me { id } }"}')):
            gateway.ask("POST", address, headers={"Content-Type": "application/json"}, body=body)
        for title, asked in empty.items():
            empty[title] = [query for query in asked if not prometheus.query(query)]
        return not any(empty.values())

    try:
        wait_until(all_have_data, seconds=60)
    except AssertionError:
        pytest.fail(f"without data: { {title: left for title, left in empty.items() if left} }")
