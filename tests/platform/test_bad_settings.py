"""A setting that cannot be used keeps everything from starting, and is named together with what would be right."""

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from typing import Final

import pytest
from requests import certs

from bff_project import setting_addresses
from bff_project.environment import BadSettingsError
from bff_project.processes.ports import free_port
from gateway_clients.conf import PER_UPSTREAM, SERVICES, DataClass
from tests.platform.settings_of import ROOT, settings_with
from tests.support.processes import clean_environment

SECONDS: Final = ("1.5", ("-1", "1e3", "nan"))
POSITIVE_SECONDS: Final = ("1.5", ("0", "-1", "1,5"))
COUNT: Final = ("7", ("0", "-1", "1O0"))
FLAG: Final = ("off", ("nope", "2", "truee"))
PORT: Final = ("4321", ("abc", "0", "65536"))
URL: Final = ("https://claims.example/base", ("nonsense", "ftp://claims.example", "http://host:port"))
SHARE: Final = ("0.5", ("1.5", "-0.1", "half"))
VISIBLE: Final = ("a-b.c", ("two words", "line\nbreak", "é"))
AUTHORITIES: Final = (certs.where(), ("/nowhere.pem", "/dev/null", "/etc/hostname"))
DURATION: Final = ("15m", ("0", "-1s", "1w"))

PAIRS: Final = ("a=b, c.d=e f", ("a", "=b", "a=b,c"))
COLLECTOR: Final = ("https://traces.example:4318", ("nonsense", "ftp://traces.example", "http://user:s3cret@host"))

#: Each setting with a value that is good, and three that are not.
VALUES: Final[Mapping[str, tuple[str, tuple[str, str, str]]]] = {
    "ENVIRONMENT": ("development", ("stage", "Production", "prod")),
    "DEBUG": FLAG,
    "ALLOWED_HOSTS": ("a.example,[::1],.b.example", ("https://a.example", "a.example:4000", "a.example/x")),
    "TRUSTED_PROXY_COUNT": ("0", ("-1", "one", "17")),
    "FAILPOINT": ("before_send", ("somewhere", "BEFORE_SEND", "1")),
    "PORT": PORT,
    "ENABLE_METRICS": FLAG,
    "METRICS_PORT": PORT,
    "WORKER_METRICS_PORT": ("0", ("-1", "abc", "65536")),
    "WORKERS": COUNT,
    "THREADS": COUNT,
    "DRAIN_SECONDS": SECONDS,
    "CLUSTER_LEASE_SECONDS": SECONDS,
    "ADMISSION_LIMIT": COUNT,
    "REQUEST_MAX_BYTES": COUNT,
    "UPLOAD_MAX_BYTES": COUNT,
    **{f"{name.upper()}_SERVICE_URL": URL for name in SERVICES},
    "UPSTREAM_SERVICE_TOKEN": VISIBLE,
    "EVENTS_URL": URL,
    "READ_BUDGET_SECONDS": POSITIVE_SECONDS,
    "SUBMIT_BUDGET_SECONDS": POSITIVE_SECONDS,
    "STREAM_BUDGET_SECONDS": POSITIVE_SECONDS,
    "UPSTREAM_TIMEOUT_SECONDS": POSITIVE_SECONDS,
    "UPSTREAM_CONNECT_SECONDS": POSITIVE_SECONDS,
    "UPSTREAM_MAX_BYTES": COUNT,
    "BULKHEAD_LIMIT": COUNT,
    "NEAR_CACHE_BYTES": COUNT,
    "BREAKER_FAILURES": COUNT,
    "BREAKER_OPEN_SECONDS": POSITIVE_SECONDS,
    "BREAKER_WINDOW_SECONDS": POSITIVE_SECONDS,
    "BREAKER_MIN_CALLS": COUNT,
    "BREAKER_FAILURE_RATE": SHARE,
    "BREAKER_SLOW_SECONDS": POSITIVE_SECONDS,
    "RETRY_BUDGET": SHARE,
    **dict.fromkeys(("CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), AUTHORITIES),
    "REDIS_HOST": ("redis-1.internal", ("redis://redis", "redis:6379", "two words")),
    "REDIS_PORT": PORT,
    "REDIS_URL": (
        "rediss://:s3cret@redis.example:6380/0",
        ("redis+sentinel://:s3cret@redis.example/main/0", "redis://:s3cret@redis.example:port/0", "unix://:s3cret@"),
    ),
    "REDIS_SENTINELS": ("redis-1.example:26379,10.0.0.2:26379", ("redis-1.example", "redis-1.example:0", "a b:26379")),
    "EXPLAIN_HOURS": ("0", ("-1", "day", "721")),
    "EXPLAIN_MEGABYTES": COUNT,
    "CONSOLE_FOUR_EYES": FLAG,
    "GAME_DAYS": FLAG,
    "LOG_FORMAT": ("ecs", ("text", "ECS", "logfmt")),
    "OTEL_SDK_DISABLED": FLAG,
    "OTEL_EXPORTER_OTLP_ENDPOINT": COLLECTOR,
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": COLLECTOR,
    "OTEL_EXPORTER_OTLP_PROTOCOL": ("http/protobuf", ("grpc", "http/json", "http")),
    "OTEL_EXPORTER_OTLP_HEADERS": PAIRS,
    "OTEL_BSP_SCHEDULE_DELAY": COUNT,
    "OTEL_SERVICE_NAME": VISIBLE,
    "OTEL_RESOURCE_ATTRIBUTES": PAIRS,
    "OTEL_TRACES_SAMPLER": ("parentbased_traceidratio", ("ratio", "Always_On", "jaeger_remote")),
    "OTEL_TRACES_SAMPLER_ARG": SHARE,
    "OTEL_PROPAGATORS": ("tracecontext,baggage", ("b3", "jaeger", "tracecontext,b3")),
    "CELERY_BROKER_URL": ("amqps://user:s3cret@broker.example//", ("sqs://key:s3cret@", "sentinel://x", "s3cret")),
    "REDIS_TIMEOUT_SECONDS": POSITIVE_SECONDS,
    "CACHE_KEY_PREFIX": VISIBLE,
    **{f"CACHE_TTL_SECONDS_{name}": POSITIVE_SECONDS for name in DataClass.__members__},
    **{f"CACHE_STALE_SECONDS_{name}": SECONDS for name in DataClass.__members__},
    **{f"CACHE_REVALIDATE_SECONDS_{name}": SECONDS for name in DataClass.__members__ if name != "DASHBOARD"},
    "DATABASE_POOL_SIZE": COUNT,
    "DATABASE_URL": (
        "postgres://user:s3cret@db.example:5432/gateway",
        (
            "postgres//user:s3cret@db.example/x",
            "mysql://user:s3cret@db.example/x",
            "postgres://user:s3cret@db.example:x/y",
        ),
    ),
    "JWT_EXPIRATION": DURATION,
    "JWT_ISSUER": VISIBLE,
    "JWT_AUDIENCE": VISIBLE,
    "REFRESH_TOKEN_EXPIRATION": DURATION,
    "AUDIT_RETENTION": DURATION,
    "SESSION_IDLE": DURATION,
    "SESSION_ABSOLUTE": DURATION,
    "REQUIRE_SECOND_FACTOR": ("staff,admin", ("members", "admin,staff", "Staff")),
    "GRAPHQL_COST_MODE": ("measure", ("off", "Enforce", "1")),
    "JWT_ALGORITHM": ("ES256", ("none", "RS256", "es256")),
    "RATE_LIMIT_WINDOW": DURATION,
    "RATE_LIMIT_MAX": COUNT,
    "LOGIN_RATE_LIMIT_MAX": COUNT,
    "GRAPHQL_INTROSPECTION": FLAG,
    "GRAPHIQL": FLAG,
    "GRAPHQL_TRUSTED_ONLY": FLAG,
    "ALLOWED_ORIGINS": ("https://a.example", ("*", "a.example", "https://a.example/")),
    "CORS_ALLOWED_ORIGINS": ("https://a.example", ("*", "null", "https://a.example/x")),
    "CORS_ALLOW_HEADERS": ("X-Portal-Version, x-tenant", ("*", "x portal", "x:y")),
    "BUSINESS_TIME_ZONE": ("Asia/Makassar", ("Mars/X", "../etc", "UTC+7")),
}
#: Any text is a value of these; what it must be besides is a matter of the system checks (tests/edge/test_checks.py).
TEXTS: Final = frozenset(
    {
        "SECRET_KEY",
        "EVENTS_WEBHOOK_SECRET",
        "CACHE_ENCRYPTION_KEYS",
        "JWT_SECRET",
        "REFRESH_TOKEN_SECRET",
        "AUDIT_KEYS",
        "SECRET_KEY_FALLBACKS",
        "JWT_PRIVATE_KEYS",
        "REDIS_PASSWORD",
        "GRAPHQL_TRUSTED_DOCUMENTS",
    }
)


def problems_of(values: Mapping[str, str]) -> list[str]:
    with pytest.raises(BadSettingsError) as refused:
        settings_with(values)
    return str(refused.value).splitlines()[1:]


def test_every_setting_is_tried() -> None:
    _, read = settings_with({})

    assert {*VALUES, *TEXTS} == read


@pytest.mark.parametrize("name", VALUES)
def test_a_good_value_is_taken_and_three_bad_ones_are_refused(name: str) -> None:
    good, bad = VALUES[name]

    settings_with({name: good})
    for value in bad:
        assert [re.sub(r" must be \S.*\.", "", problem) for problem in problems_of({name: value})] == [name]


@pytest.mark.parametrize("name", PER_UPSTREAM)
def test_what_is_set_for_one_upstream_is_read_as_what_it_overrides(name: str) -> None:
    good, bad = VALUES[name]
    whole, _ = settings_with({name: good})
    settings, _ = settings_with({f"CLAIMS_{name}": good})

    assert settings[f"CLAIMS_{name}"] == whole[name]
    assert [len(problems_of({f"CLAIMS_{name}": value})) for value in bad] == [1, 1, 1]


def test_all_bad_settings_are_named_at_once() -> None:
    assert problems_of({"PORT": "abc", "RATE_LIMIT_MAX": "1O0", "ENABLE_METRICS": "nope"}) == [
        "PORT must be a whole number from 1 to 65535.",
        "ENABLE_METRICS must be true or false.",
        "RATE_LIMIT_MAX must be a whole number from 1 to 1000000000000.",
    ]


def started(command: str, **values: str) -> tuple[int, str]:
    """The exit code and the output of a command that ends by itself."""
    process = subprocess.run(
        [sys.executable, *shlex.split(command)],
        cwd=ROOT,
        env={**clean_environment(), "PORT": str(free_port()), "METRICS_PORT": str(free_port()), **values},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return process.returncode, process.stdout


WAYS: Final = (
    "manage.py migrate",
    "manage.py serve",
    "manage.py run_worker",
    "-m gunicorn bff_project.wsgi --bind 127.0.0.1:{port}",
)


@pytest.mark.parametrize("way", WAYS)
def test_nothing_starts_with_a_bad_setting(way: str) -> None:
    code, output = started(
        way.format(port=free_port()),
        ENVIRONMENT="development",
        DATABASE_URL="postgres://user:s3cret@db.example:x/y",
        THREADS="many",
    )

    assert code != 0
    assert "THREADS must be a whole number from 1 to 1024." in output
    assert "DATABASE_URL must be postgres://user:password@host:5432/name or sqlite:///path." in output
    assert "s3cret" not in output


@pytest.mark.parametrize("way", [way for way in WAYS if "migrate" not in way])
def test_nothing_serves_production_with_the_example_secrets_and_addresses(way: str) -> None:
    code, output = started(way.format(port=free_port()), ENVIRONMENT="production", NODE_ENV="development")

    assert code != 0
    assert "(gateway.E010) JWT_SECRET is left at its example value." in output
    assert "(gateway.E016) CACHE_ENCRYPTION_KEYS is missing." in output
    unset = "_SERVICE_URL is unset or left at its example value"
    assert [name for name in SERVICES if f"{name.upper()}{unset}" not in output] == []


def test_a_bad_setting_is_told_without_a_traceback() -> None:
    code, output = started("manage.py check", PORT="abc")

    assert code == 1
    assert output.splitlines() == ["These settings cannot be used:", "PORT must be a whole number from 1 to 65535."]


def test_who_would_send_traces_is_told_of_the_packages_that_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setting_addresses, "TRACES_NEED", ("opentelemetry_of_nobody.sdk",))
    assert problems_of({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://traces.example:4318"}) == [
        "OTEL_EXPORTER_OTLP_ENDPOINT must be unset, unless the packages of requirements/otel.txt are installed."
    ]
