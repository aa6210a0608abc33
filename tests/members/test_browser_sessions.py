"""Sessions of browsers: a cookie that no script reads, and that nobody else can use (RFC 10017)."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from gateway_clients.database.breaker import DatabaseBreaker
from members import browser_sessions, token_families
from members.device import Device
from members.models import Account, BrowserSession
from members.session_authentication import PLAIN_NAME, SECURE_NAME

pytestmark = pytest.mark.django_db

PASSWORD = "a-good-password"
OWN = {"X-CSRF": "1"}
PORTAL = "https://portal.example.com"
SESSION = "/api/v1/auth/session"
SESSIONS = "/api/v1/auth/sessions"
ME = "/api/v1/auth/me"
QUERY = "/graphql?query={me{id}}"


@pytest.fixture
def siti() -> Account:
    """A member."""
    return Account.objects.create_user("siti@example.com", PASSWORD, name="Siti Rahayu", member_id="m-1")


def sign_in(client: Client, **headers: str) -> Any:
    body = {"email": "siti@example.com", "password": PASSWORD, "session": "cookie"}
    return client.post("/api/v1/auth/login", body, "application/json", headers=headers)


def ago(**of: float) -> None:
    """Lets the one session there is have been used, or begun, so long ago."""
    BrowserSession.objects.update(last_seen_at=timezone.now() - timedelta(**of))


def test_a_sign_in_sets_a_cookie_and_gives_no_token(portal: Client, siti: Account) -> None:
    answer = sign_in(portal, **{"User-Agent": "Firefox\u0007 140"})
    cookie = answer.cookies[PLAIN_NAME]
    session = BrowserSession.objects.get()

    assert (answer.status_code, list(answer.json())) == (200, ["expires_in", "user"])
    assert (answer.json()["expires_in"], answer.json()["user"]["id"]) == (1800, str(siti.pk))
    assert {name: cookie[name] for name in ("path", "httponly", "samesite", "secure", "domain", "max-age")} == {
        "path": "/",
        "httponly": True,
        "samesite": "Strict",
        "secure": "",
        "domain": "",
        "max-age": "",
    }
    assert len(cookie.value) == 43
    assert cookie.value not in session.digest
    assert (session.digest, session.user_agent) == (browser_sessions.digest_of(cookie.value), "Firefox 140")


def test_in_production_the_cookie_is_bound_to_host_and_tls(portal: Client, siti: Account, settings: Any) -> None:
    settings.ENVIRONMENT = "production"
    cookie = sign_in(portal).cookies[SECURE_NAME]

    assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")
    assert portal.get(ME, headers=OWN).status_code == 200


def test_the_cookie_is_enough_over_rest_and_graphql(portal: Client, siti: Account) -> None:
    sign_in(portal)

    assert portal.get(ME, headers=OWN).json()["id"] == str(siti.pk)
    assert portal.get(QUERY, headers=OWN).json() == {"data": {"me": {"id": str(siti.pk)}}}
    assert portal.get(SESSION, headers=OWN).json()["user"]["email"] == "siti@example.com"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-CSRF": ""},
        {"X-CSRF": "0"},
        {**OWN, "Origin": "https://evil.example"},
        {**OWN, "Origin": "null"},
        {**OWN, "Origin": "https://testserver"},
        {**OWN, "Origin": f"{PORTAL}.evil.example"},
    ],
    ids=["no header", "empty", "another value", "foreign origin", "no origin", "other scheme", "longer name"],
)
@pytest.mark.parametrize(("method", "path"), [("get", ME), ("get", QUERY), ("post", "/graphql"), ("delete", SESSIONS)])
def test_a_request_that_no_own_page_makes_is_refused(
    portal: Client, siti: Account, settings: Any, headers: dict[str, str], method: str, path: str
) -> None:
    settings.CORS_ALLOWED_ORIGINS = [PORTAL]
    sign_in(portal)
    answer = getattr(portal, method)(path, headers=headers)

    assert answer.status_code == 403
    assert answer.json()["code"] == "csrf_failed"
    assert BrowserSession.objects.filter(revoked_at=None).count() == 1


@pytest.mark.parametrize("origin", [PORTAL, "http://testserver"])
def test_the_portals_origin_and_the_gateways_own_are_served(
    portal: Client, siti: Account, settings: Any, origin: str
) -> None:
    settings.CORS_ALLOWED_ORIGINS = [PORTAL]
    sign_in(portal, Origin=origin)

    assert portal.get(ME, headers={**OWN, "Origin": origin}).status_code == 200


def test_another_origin_cannot_sign_a_browser_in(portal: Client, siti: Account) -> None:
    answer = sign_in(portal, Origin="https://evil.example")

    assert (answer.status_code, answer.json()["code"], dict(answer.cookies)) == (403, "csrf_failed", {})
    assert not BrowserSession.objects.exists()


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ME), ("GET", QUERY), ("GET", SESSION), ("DELETE", SESSION), ("GET", SESSIONS)]
)
def test_a_cookie_and_a_token_together_are_refused(portal: Client, siti: Account, method: str, path: str) -> None:
    sign_in(portal)
    token = token_families.begin(siti).access
    answer = portal.generic(method, path, headers={**OWN, "Authorization": f"Bearer {token}"})

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_user_input")
    assert BrowserSession.objects.get().revoked_at is None


def test_each_sign_in_has_a_secret_of_its_own_and_takes_none_that_is_brought(portal: Client, siti: Account) -> None:
    portal.cookies[PLAIN_NAME] = "a-secret-that-somebody-else-knows"
    secrets = {sign_in(portal).cookies[PLAIN_NAME].value for _ in range(3)}

    assert len(secrets) == 3
    assert "a-secret-that-somebody-else-knows" not in secrets
    portal.cookies[PLAIN_NAME] = "a-secret-that-somebody-else-knows"
    assert portal.get(ME, headers=OWN).status_code == 401


def test_somebody_whose_session_is_over_can_sign_in_again(portal: Client, siti: Account) -> None:
    sign_in(portal)
    ago(hours=1)

    assert portal.get(ME, headers=OWN).status_code == 401
    assert sign_in(portal).status_code == 200
    assert portal.get(ME, headers=OWN).status_code == 200


def test_it_ends_when_it_was_not_used_for_long_and_at_the_latest_after_twelve_hours(
    portal: Client, siti: Account
) -> None:
    sign_in(portal)
    ago(minutes=29, seconds=50)
    used = portal.get(ME, headers=OWN).status_code
    ago(minutes=30, seconds=1)
    unused = portal.get(ME, headers=OWN).status_code
    BrowserSession.objects.update(last_seen_at=timezone.now(), expires_at=timezone.now())
    at_the_latest = portal.get(ME, headers=OWN).status_code

    assert (used, unused, at_the_latest) == (200, 401, 401)


def test_use_prolongs_it_at_most_once_a_minute(portal: Client, siti: Account) -> None:
    sign_in(portal)
    ago(seconds=59)
    before = BrowserSession.objects.get().last_seen_at
    portal.get(ME, headers=OWN)
    within = BrowserSession.objects.get().last_seen_at
    ago(seconds=61)
    portal.get(ME, headers=OWN)

    assert within == before
    assert timezone.now() - BrowserSession.objects.get().last_seen_at < timedelta(seconds=30)


def test_looking_without_sliding_does_not_prolong_it(portal: Client, siti: Account) -> None:
    sign_in(portal)
    ago(minutes=20)
    looked = portal.get(f"{SESSION}?slide=false", headers=OWN).json()["expires_in"]
    looked_again = portal.get(f"{SESSION}?slide=false", headers=OWN).json()["expires_in"]
    slid = portal.get(SESSION, headers=OWN).json()["expires_in"]

    assert 590 <= looked_again <= looked <= 600
    assert slid > 1790


@pytest.mark.parametrize(
    "end",
    [
        lambda account: Account.objects.filter(pk=account.pk).update(is_active=False),
        lambda account: account.replace_password("another-good-password"),
        lambda account: BrowserSession.objects.update(revoked_at=timezone.now()),
        lambda account: account.delete(),
    ],
    ids=["disabled", "new password", "ended elsewhere", "deleted"],
)
def test_it_is_over_at_once(portal: Client, siti: Account, end: Callable[[Account], object]) -> None:
    sign_in(portal)
    end(siti)

    assert [portal.get(path, headers=OWN).status_code for path in (ME, SESSION)] == [401, 401]


def test_signing_out_ends_it_and_takes_the_cookie_away(portal: Client, siti: Account) -> None:
    secret = sign_in(portal).cookies[PLAIN_NAME].value
    answer = portal.delete(SESSION, headers=OWN)

    assert (answer.status_code, answer.cookies[PLAIN_NAME].value, answer.cookies[PLAIN_NAME]["max-age"]) == (204, "", 0)
    portal.cookies[PLAIN_NAME] = secret
    assert portal.get(ME, headers=OWN).status_code == 401
    assert portal.delete(SESSION, headers=OWN).status_code == 204


def test_without_a_session_there_is_none_to_be_shown(portal: Client, siti: Account) -> None:
    token = token_families.begin(siti).access

    assert portal.get(SESSION, headers=OWN).status_code == 401
    assert portal.get(SESSION, headers={**OWN, "Authorization": f"Bearer {token}"}).status_code == 401


def test_all_places_are_listed_and_the_others_can_be_ended(portal: Client, siti: Account) -> None:
    other = browser_sessions.begin(siti, Device("198.51.100.7", "Phone"))
    pair = token_families.begin(siti, Device("198.51.100.8", "App"))
    stranger = Account.objects.create_user("budi@example.com", PASSWORD, member_id="m-2")
    browser_sessions.begin(stranger, Device())
    sign_in(portal, **{"User-Agent": "Firefox"})
    items = portal.get(SESSIONS, headers=OWN).json()["items"]

    assert [(each["kind"], each["address"], each["user_agent"], each["is_current"]) for each in items] == [
        ("cookie", "127.0.0.1", "Firefox", True),
        ("token", "198.51.100.8", "App", False),
        ("cookie", "198.51.100.7", "Phone", False),
    ]
    assert portal.delete(f"{SESSIONS}/{items[2]['id']}", headers=OWN).status_code == 204
    assert browser_sessions.living(other.secret) is None
    assert portal.delete(SESSIONS, headers=OWN).status_code == 204
    assert portal.get(ME, headers=OWN).status_code == 200
    portal.cookies.clear()
    assert portal.get(ME, headers={"Authorization": f"Bearer {pair.access}"}).status_code == 401


def test_nobody_ends_a_session_of_somebody_else(portal: Client, siti: Account) -> None:
    stranger = Account.objects.create_user("budi@example.com", PASSWORD, member_id="m-2")
    theirs = browser_sessions.begin(stranger, Device())
    sign_in(portal)
    session_id = BrowserSession.objects.get(account=stranger).pk

    assert [portal.delete(f"{SESSIONS}/{each}", headers=OWN).status_code for each in (session_id, "x")] == [404, 404]
    assert browser_sessions.living(theirs.secret) is not None


def test_dead_sessions_go_with_the_next_sign_in(portal: Client, siti: Account) -> None:
    sign_in(portal)
    ago(hours=1)
    sign_in(portal)

    assert BrowserSession.objects.count() == 1


def test_twenty_tabs_at_once_cost_one_prolongation(siti: Account) -> None:
    begun = browser_sessions.begin(siti, Device())
    ago(minutes=5)
    tabs = [browser_sessions.living(begun.secret) for _ in range(20)]
    written = [browser_sessions.prolong(tab) for tab in tabs if tab is not None]

    assert sorted(written) == [False] * 19 + [True]


def test_one_that_another_process_has_prolonged_goes_on(portal: Client, siti: Account, leased: None) -> None:
    sign_in(portal)
    ago(minutes=29, seconds=58)
    assert portal.get(f"{SESSION}?slide=false", headers=OWN).json()["expires_in"] <= 2
    BrowserSession.objects.update(last_seen_at=timezone.now())
    (near,) = (each for each in [living_here(portal)] if each is not None)
    replace(near, last_seen_at=timezone.now() - timedelta(minutes=31)).keep(time.monotonic())

    assert portal.get(ME, headers=OWN).status_code == 200


def test_what_is_remembered_goes_when_it_is_prolonged(portal: Client, siti: Account, leased: None) -> None:
    sign_in(portal)
    ago(minutes=2)
    session = living_here(portal)
    assert session is not None
    Account.objects.filter(pk=siti.pk).update(is_active=False)
    assert browser_sessions.prolong(session)

    assert portal.get(ME, headers=OWN).status_code == 401


@pytest.mark.parametrize(("who", "status"), [({"member_id": "m-1"}, 200), ({"provider_id": "prov-1"}, 503)])
def test_while_the_database_is_down_only_members_go_on(
    portal: Client, siti: Account, leased: None, monkeypatch: pytest.MonkeyPatch, who: dict[str, str], status: int
) -> None:
    Account.objects.filter(pk=siti.pk).update(**{"member_id": None, "provider_id": None, **who})
    sign_in(portal)
    assert portal.get(SESSION, headers=OWN).status_code == 200
    monkeypatch.setattr(DatabaseBreaker, "is_open", True)

    assert portal.get(SESSION, headers=OWN).status_code == status


@pytest.mark.parametrize("path", [ME, SESSION, SESSIONS])
def test_an_account_that_is_deleted_meanwhile_is_signed_out(
    portal: Client, siti: Account, leased: None, path: str
) -> None:
    sign_in(portal)
    assert portal.get(path, headers=OWN).status_code == 200
    near = living_here(portal)
    assert near is not None
    Account.objects.all().delete()
    near.keep(time.monotonic())

    assert portal.get(path, headers=OWN).status_code == 401


def living_here(client: Client) -> browser_sessions.LivingSession | None:
    """What this process knows of a client's session."""
    return browser_sessions.living(client.cookies[PLAIN_NAME].value)
