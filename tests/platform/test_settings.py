"""`.env.example` documents every setting, with the default it really has."""

import re
import ssl
from pathlib import Path
from typing import Any

import pytest

from bff_project.environment import BadSettingsError
from gateway_clients.outbox.celery_app import celery_app, worker_app
from tests.platform.settings_of import ROOT, settings_with
from tests.support.certificates import Authority

EXAMPLE = ROOT / ".env.example"


def example() -> dict[str, str]:
    """The settings that are on in `.env.example`."""
    lines = (line.partition("=") for line in EXAMPLE.read_text().splitlines() if not line.startswith("#"))
    return {name: value for name, equals, value in lines if equals}


def test_example_names_every_setting_and_no_other() -> None:
    _, read = settings_with({})
    switched_off = set(re.findall(r"^# ([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE))
    assert {*example(), *switched_off} == read


def test_example_shows_the_defaults() -> None:
    with_example, _ = settings_with(example())
    without, _ = settings_with({})
    assert {name: value for name, value in with_example.items() if value != without[name]} == {}


def test_settings_come_from_the_environment() -> None:
    settings, _ = settings_with({"PORT": "4321", "CLAIMS_BREAKER_OPEN_SECONDS": "7"})
    assert (settings["PORT"], settings["CLAIMS_BREAKER_OPEN_SECONDS"]) == (4321, 7.0)


def test_a_value_stands_for_itself_and_an_empty_one_for_none() -> None:
    settings, _ = settings_with(
        {
            "UPSTREAM_SERVICE_TOKEN": "$HOME",
            "JWT_SECRET": "$2b$12$abc, two",
            "SECRET_KEY": "$$",
            "THREADS": "",
            "REDIS_PASSWORD": "$p@ss",
        }
    )

    assert settings["UPSTREAM_SERVICE_TOKEN"] == "$HOME"
    assert settings["JWT_SECRET"] == ("$2b$12$abc", "two")
    assert settings["SECRET_KEY"] == "$$"
    assert settings["THREADS"] == 192
    assert settings["REDIS_URL"] == "redis://:%24p%40ss@localhost:6379/0"


def test_lists_are_read_without_the_spaces_around_their_parts() -> None:
    settings, _ = settings_with(
        {
            "CORS_ALLOWED_ORIGINS": "https://a.example, https://b.example:8443 ,",
            "ALLOWED_HOSTS": " a.example, .b.example",
        }
    )

    assert settings["CORS_ALLOWED_ORIGINS"] == ["https://a.example", "https://b.example:8443"]
    assert settings["ALLOWED_HOSTS"] == ["a.example", ".b.example"]


def test_allowed_origins_stand_in_where_no_cors_origins_are_set() -> None:
    old, new = {"ALLOWED_ORIGINS": "https://old.example"}, {"CORS_ALLOWED_ORIGINS": "https://new.example"}

    assert settings_with(old)[0]["CORS_ALLOWED_ORIGINS"] == ["https://old.example"]
    assert settings_with({**old, **new})[0]["CORS_ALLOWED_ORIGINS"] == ["https://new.example"]


def test_an_empty_token_of_one_upstream_overrides_the_token_of_all() -> None:
    settings, _ = settings_with({"UPSTREAM_SERVICE_TOKEN": "all", "CLAIMS_UPSTREAM_SERVICE_TOKEN": ""})

    assert settings["CLAIMS_UPSTREAM_SERVICE_TOKEN"] == ""
    assert "CLAIMS_BULKHEAD_LIMIT" not in settings_with({"CLAIMS_BULKHEAD_LIMIT": ""})[0]


@pytest.mark.parametrize(
    ("url", "class_name"),
    [
        ("redis://:secret@redis:6379/0", "NonblockingTCPConnection"),
        ("rediss://:secret@redis:6380/0", "TLSConnection"),
        ("unix:///run/redis.sock?db=1", "NonblockingUnixConnection"),
    ],
)
def test_the_scheme_of_redis_decides_how_it_is_connected_to(url: str, class_name: str) -> None:
    settings, _ = settings_with({"REDIS_URL": url})
    made = settings["CACHES"]["default"]["OPTIONS"]["CONNECTION_POOL_KWARGS"]["connection_class"]
    assert made.__name__ == class_name


@pytest.mark.parametrize("url", ["redis://redis/1", "rediss://redis/1", "amqp://broker//", "amqps://broker//", ""])
def test_brokers_that_can_be_kept_from_hanging_are_taken(url: str) -> None:
    assert settings_with({"CELERY_BROKER_URL": url})[0]["CELERY_BROKER_URL"] == url


@pytest.fixture
def bundle(tmp_path: Path) -> str:
    """A file of certificates."""
    return str(Authority(tmp_path).bundle)


@pytest.mark.parametrize("name", ["CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_whom_we_trust_is_named_by_us_or_as_usual(name: str, bundle: str, tmp_path: Path) -> None:
    assert settings_with({name: bundle})[0]["CA_BUNDLE"] == bundle
    assert settings_with({name: str(tmp_path)})[0]["CA_BUNDLE"] == str(tmp_path)


def test_our_own_name_for_it_comes_first_and_nobody_reads_the_others_then(bundle: str) -> None:
    assert settings_with({"CA_BUNDLE": bundle, "SSL_CERT_FILE": "/nowhere.pem"})[0]["CA_BUNDLE"] == bundle


@pytest.mark.parametrize("name", ["CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("content", ["", "-----BEGIN CERTIFICATE-----\nbm8=\n-----END CERTIFICATE-----\n"])
def test_a_broken_file_of_authorities_is_refused(name: str, content: str, tmp_path: Path) -> None:
    path = tmp_path / "authorities.pem"
    path.write_text(content)
    with pytest.raises(BadSettingsError, match=f"{name} must be the path of a PEM file of certificates"):
        settings_with({name: str(path)})


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("rediss://redis/1", {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_ca_certs": "/ca.pem"}),
        ("amqps://broker//", {"cert_reqs": ssl.CERT_REQUIRED, "ca_certs": "/ca.pem", "server_hostname": None}),
        ("redis://redis/1", None),
        ("amqp://broker//", None),
    ],
)
def test_a_brokers_certificate_is_checked(settings: Any, url: str, options: object) -> None:
    settings.CA_BUNDLE = "/ca.pem"
    settings.CELERY_BROKER_URL = url

    assert celery_app().conf.broker_use_ssl == options
    assert worker_app().conf.broker_use_ssl == options
