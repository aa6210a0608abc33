"""docker-compose.yml, read as Compose reads it: what its containers get, and with what rights."""

import re
from collections.abc import Mapping
from typing import Any, Final

import pytest
import yaml

from gateway_clients.conf import SERVICES
from sandbox.places import places_in_a_row
from tests.platform.settings_of import ROOT, settings_with

EXAMPLE: Final = ROOT / ".env.example"
COMPOSE: Final[dict[str, Any]] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
OURS: Final = ("gateway", "worker", "migrate")
#: What is put for `${NAME:?why}` and `${NAME:-default}`.
VARIABLE: Final = re.compile(r"\$\{(?P<name>[A-Z_]+):(?P<rule>[?-])(?P<rest>[^}]*)\}")
PASSWORDS: Final = "\nPOSTGRES_PASSWORD=pg\nREDIS_PASSWORD=rd\n"
ODD: Final = {
    "SECRET_KEY": "a$b",
    "JWT_SECRET": "'quoted' # and so on",
    "CLAIMS_UPSTREAM_SERVICE_TOKEN": "",
    "EVENTS_WEBHOOK_SECRET": "whsec_c2VjcmV0",
    "GRAPHQL_TRUSTED_ONLY": "true",
    "RATE_LIMIT_MAX": "7",
}


def values_of_raw_file(text: str) -> dict[str, str]:
    """An `env_file` of the format `raw`: each value as it stands, without quotes, escapes and `$`."""
    lines = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    return {name: value for name, equals, value in lines if equals}


def environment_of(service: str, dotenv: str, **shell: str) -> dict[str, str]:
    """The variables that a container gets, when the text of .env is this, and these are the variables of the shell."""
    declared = COMPOSE["services"][service]
    values = values_of_raw_file(dotenv)
    asked = {**values, **shell}
    reached: dict[str, str] = {}
    for each in declared["env_file"]:
        assert each["format"] == "raw"
        path = filled_in(each["path"], asked)
        reached |= values if path == ".env" else values_of_raw_file((ROOT / path).read_text())
    return reached | {name: filled_in(text, asked) for name, text in declared.get("environment", {}).items()}


def filled_in(text: str, values: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        found = values.get(match["name"])
        if not found and match["rule"] == "?":
            raise KeyError(match["name"])
        return found or match["rest"]

    return VARIABLE.sub(value, text)


@pytest.mark.parametrize("service", OURS)
def test_every_setting_reaches_the_containers_as_it_stands(service: str) -> None:
    _, read = settings_with({})
    per_upstream = {f"{name.upper()}_BULKHEAD_LIMIT" for name in SERVICES}
    given = {name: f"a-{name}$x" for name in sorted(read | per_upstream)} | ODD
    reached = environment_of(service, PASSWORDS + "".join(f"{name}={value}\n" for name, value in given.items()))

    decided_here = set(COMPOSE["services"][service]["environment"])
    assert {name: reached[name] for name in given if name not in decided_here} == {
        name: value for name, value in given.items() if name not in decided_here
    }
    assert decided_here == {
        "ENVIRONMENT",
        "PORT",
        "METRICS_PORT",
        "WORKER_METRICS_PORT",
        "TRUSTED_PROXY_COUNT",
        "DATABASE_URL",
        "REDIS_URL",
    }


def test_the_example_with_its_secrets_changed_is_a_set_of_settings_that_can_be_used() -> None:
    settings, _ = settings_with(environment_of("gateway", EXAMPLE.read_text() + PASSWORDS))

    assert (settings["ENVIRONMENT"], settings["PORT"], settings["TRUSTED_PROXY_COUNT"]) == ("production", 4000, 1)
    assert settings["REDIS_URL"] == "redis://:rd@redis:6379/0"
    assert settings["DATABASES"]["default"]["HOST"] == "postgres"
    assert settings["CACHE_TTL_SECONDS_CLAIMS"] == 60.0


@pytest.mark.parametrize("name", ["POSTGRES_PASSWORD", "REDIS_PASSWORD"])
def test_what_has_no_default_is_asked_for(name: str) -> None:
    kept = [line for line in (EXAMPLE.read_text() + PASSWORDS).splitlines() if not line.startswith(f"{name}=")]
    with pytest.raises(KeyError, match=name):
        environment_of("gateway", "\n".join(kept))


@pytest.mark.parametrize("service", OURS)
def test_the_addresses_of_the_upstreams_are_those_of_the_file_that_is_named(service: str) -> None:
    dotenv = EXAMPLE.read_text() + PASSWORDS
    usual = environment_of(service, dotenv)
    sandboxed = environment_of(service, dotenv, UPSTREAMS_FILE="deploy/sandbox.env")

    urls = {f"{name.upper()}_SERVICE_URL" for name in SERVICES}
    assert {name for name in usual if usual[name] != sandboxed[name]} == urls
    assert set(sandboxed) == set(usual)


def test_every_secret_without_which_production_does_not_start_is_asked_for() -> None:
    asked_for = {match["name"] for text in COMPOSE["x-required"] if (match := VARIABLE.fullmatch(text))}
    keys = {"SECRET_KEY", "JWT_SECRET", "REFRESH_TOKEN_SECRET", "CACHE_ENCRYPTION_KEYS", "AUDIT_KEYS"}
    assert asked_for == keys | {"ALLOWED_HOSTS"}


@pytest.mark.parametrize("service", COMPOSE["services"])
def test_every_container_is_confined(service: str) -> None:
    declared = COMPOSE["services"][service]
    user, _, group = declared["user"].partition(":")

    assert int(user) > 0
    assert int(group) > 0
    assert declared["read_only"] is True
    assert declared["cap_drop"] == ["ALL"]
    assert declared["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in declared


def test_it_is_met_where_the_readme_says() -> None:
    assert COMPOSE["services"]["nginx"]["ports"] == ["${PUBLISHED_PORT:-4000}:8080"]
    assert [name for name, declared in COMPOSE["services"].items() if "ports" in declared] == ["nginx"]


def test_whoever_listens_has_a_health_check_and_who_waits_for_it_names_it() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    without = {name for name, declared in COMPOSE["services"].items() if "healthcheck" not in declared}
    assert without == {"gateway", "sandbox"}  # those of the images
    assert dockerfile.count("\nHEALTHCHECK ") == 2
    for declared in COMPOSE["services"].values():
        for name, condition in declared.get("depends_on", {}).items():
            is_job = condition["condition"] == "service_completed_successfully"
            assert is_job == (name == "migrate")


def test_what_is_in_flight_may_end_before_a_container_is_killed() -> None:
    settings, _ = settings_with({})
    longest = settings["DRAIN_SECONDS"] + settings["STREAM_BUDGET_SECONDS"] + 2
    for service in ("gateway", "nginx"):
        assert int(COMPOSE["services"][service]["stop_grace_period"].removesuffix("s")) > longest


def test_the_sandbox_serves_where_its_file_of_addresses_says() -> None:
    sandbox = COMPOSE["services"]["sandbox"]
    dockerfile = (ROOT / "Dockerfile").read_text()
    (base_port,) = re.findall(r'"sandbox", "--host", "0\.0\.0\.0", "--base-port", "(\d+)"', dockerfile)
    places = places_in_a_row("0.0.0.0", int(base_port))
    expected = {f"{each.service.upper()}_SERVICE_URL": f"http://sandbox:{each.port}" for each in places}

    assert values_of_raw_file((ROOT / "deploy" / "sandbox.env").read_text()) == expected
    assert sandbox["profiles"] == ["sandbox"]
    assert sandbox["build"]["target"] == "sandbox"
    # The ports that the image's health check looks at are those.
    assert {each.service: each.port for each in places} == SERVICES
