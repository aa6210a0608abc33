"""What production refuses to start with."""

from collections import Counter
from typing import Any, Final

import pytest

from gateway_clients.checks import check_always, check_production
from gateway_clients.conf import SERVICES
from tests.platform.test_bad_settings import TEXTS
from tests.released.migrations import FILE as MIGRATIONS

GOOD = {
    "ENVIRONMENT": "production",
    "DEBUG": False,
    "SECRET_KEY": "s" * 32,
    "JWT_SECRET": ("a" * 32, "b" * 32),
    "REFRESH_TOKEN_SECRET": ("r" * 32,),
    "AUDIT_KEYS": ("k" * 32,),
    "ALLOWED_HOSTS": ["bff.example"],
    "CORS_ALLOWED_ORIGINS": ["https://portal.example"],
    "FAILPOINT": "",
    "CACHE_ENCRYPTION_KEYS": ("a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5MTI=",),
    **{f"{name.upper()}_SERVICE_URL": f"https://{name}.example" for name in SERVICES},
}


@pytest.fixture(autouse=True)
def _good(settings: Any) -> None:
    for name, value in GOOD.items():
        setattr(settings, name, value)


def test_good_settings_pass() -> None:
    assert [*check_production(), *check_always()] == []


#: A setting, a value that production does not start with, and the check that says so.
IN_PRODUCTION: Final = (
    ("SECRET_KEY", "change-me-secret-key-change-me-secret-key", "gateway.E010"),
    ("JWT_SECRET", ("a" * 32, "change-me-access-secret-change-me"), "gateway.E010"),
    ("SECRET_KEY", "s" * 31, "gateway.E011"),
    ("SECRET_KEY", "é" * 15, "gateway.E011"),
    ("SECRET_KEY_FALLBACKS", ["f" * 32, "change-me-secret-key-change-me-secret-key"], "gateway.E010"),
    ("SECRET_KEY_FALLBACKS", ["f" * 31], "gateway.E011"),
    ("SECRET_KEY_FALLBACKS", ["f" * 32, "f"], "gateway.E011"),
    ("JWT_SECRET", ("a" * 32, "b" * 31), "gateway.E011"),
    ("REFRESH_TOKEN_SECRET", ("r" * 31,), "gateway.E011"),
    ("REFRESH_TOKEN_SECRET", ("change-me-refresh-secret-change-me-refresh-secret",), "gateway.E010"),
    ("AUDIT_KEYS", ("k" * 32, "change-me-audit-key-change-me-audit-key"), "gateway.E010"),
    ("AUDIT_KEYS", ("k" * 31,), "gateway.E011"),
    ("DEBUG", True, "gateway.E012"),
    ("ALLOWED_HOSTS", ["bff.example", "*"], "gateway.E013"),
    ("CORS_ALLOWED_ORIGINS", ["*"], "gateway.E014"),
    ("CORS_ALLOW_ALL_ORIGINS", True, "gateway.E014"),
    ("FAILPOINT", "after_send", "gateway.E015"),
    ("CACHE_ENCRYPTION_KEYS", (), "gateway.E016"),
    ("EVENTS_WEBHOOK_SECRET", ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_eA=="), "gateway.E017"),
    ("EVENTS_WEBHOOK_SECRET", ("eA==",), "gateway.E017"),
    ("GAME_DAYS", True, "gateway.E019"),
    *((f"{name.upper()}_SERVICE_URL", f"http://localhost:{port}", "gateway.E021") for name, port in SERVICES.items()),
    ("CLAIMS_SERVICE_URL", "http://localhost:8001/", "gateway.E021"),
)
#: The same of what no environment starts with.
ANYWHERE: Final = (
    ("ENVIRONMENT", "stage", "gateway.E001"),
    ("JWT_SECRET", (), "gateway.E002"),
    ("AUDIT_KEYS", (), "gateway.E018"),
    ("REFRESH_TOKEN_SECRET", ("b" * 32,), "gateway.E003"),
    ("EVENTS_WEBHOOK_SECRET", ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "x"), "gateway.E006"),
    ("EVENTS_WEBHOOK_SECRET", ("whsec_",), "gateway.E006"),
    ("EVENTS_WEBHOOK_SECRET", ("é",), "gateway.E006"),
    ("CACHE_ENCRYPTION_KEYS", ("not base64!",), "gateway.E004"),
    ("CACHE_ENCRYPTION_KEYS", ("c2hvcnQ=",), "gateway.E004"),
    ("CACHE_ENCRYPTION_KEYS", ("é",), "gateway.E004"),
    ("GRAPHQL_TRUSTED_DOCUMENTS", "no/such/file.json", "gateway.E007"),
    ("GRAPHQL_TRUSTED_DOCUMENTS", __file__, "gateway.E007"),
    ("GRAPHQL_TRUSTED_DOCUMENTS", str(MIGRATIONS), "gateway.E007"),
)


@pytest.mark.parametrize(("name", "value", "check_id"), IN_PRODUCTION)
def test_production_refuses_to_start_with(settings: Any, name: str, value: Any, check_id: str) -> None:
    setattr(settings, name, value)
    in_production = [message.id for message in check_production()]
    settings.ENVIRONMENT = "development"

    assert in_production == [check_id]
    assert list(check_production()) == []


def test_every_setting_that_takes_any_text_is_tried_with_three_bad_ones() -> None:
    tried = Counter(name for name, _, _ in (*IN_PRODUCTION, *ANYWHERE))

    # Any password may be right, and the keys of tokens are tried in tests/security/test_key_changes.py.
    assert {name for name in TEXTS if tried[name] < 3} == {"REDIS_PASSWORD", "JWT_PRIVATE_KEYS"}


def test_a_service_that_does_run_beside_the_gateway_is_named_by_its_address(settings: Any) -> None:
    settings.CLAIMS_SERVICE_URL, settings.MEMBER_SERVICE_URL = "http://127.0.0.1:8001", "http://localhost:9000"
    settings.PAYMENT_SERVICE_URL = "http://localhost:8007"

    (message,) = check_production()
    assert message.msg == "PAYMENT_SERVICE_URL is unset or left at its example value, http://localhost:8007."
    assert message.hint == (
        "Set it to the address of the payment service, such as https://payment.example.com; "
        "one that does run on this machine is http://127.0.0.1:8007."
    )


def test_staging_checks_like_production_and_may_have_game_days(settings: Any) -> None:
    settings.ENVIRONMENT, settings.GAME_DAYS, settings.DEBUG = "staging", True, True

    assert [message.id for message in check_production()] == ["gateway.E012"]


@pytest.mark.parametrize(("name", "value", "check_id"), ANYWHERE)
def test_nothing_starts_with(settings: Any, name: str, value: Any, check_id: str) -> None:
    setattr(settings, name, value)

    assert [message.id for message in check_always()] == [check_id]


def test_node_env_is_named_as_replaced_and_has_no_effect(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_ENV", "development")
    monkeypatch.delenv("ENVIRONMENT", raising=False)
    settings.SECRET_KEY = "short"

    assert [message.id for message in [*check_production(), *check_always()]] == ["gateway.E011", "gateway.W001"]
