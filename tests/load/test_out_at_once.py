"""Who is signed out or disabled is out in every process before the call that did it has answered."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Final

import pytest

from tests.load.conftest import Start
from tests.support.crowd import Ask, Crowd, crowd
from tests.support.gateway import ACCOUNTS, ROOT, Reply, RunningGateway
from tests.support.processes import clean_environment
from tests.support.waiting import wait_until

pytestmark = pytest.mark.alone

JSON: Final = {"Content-Type": "application/json"}
READERS: Final = 8
DISABLE: Final = (
    "from members.models import Account; account = Account.objects.get(email={email!r}); "
    "account.is_active = False; account.save()"
)


def sign_out(gateway: RunningGateway, signed_in: Reply) -> Reply:
    body = json.dumps({"refresh_token": signed_in.json["refresh_token"]}).encode()
    return gateway.ask("POST", "/api/v1/auth/logout", headers=JSON, body=body)


def change_password(gateway: RunningGateway, signed_in: Reply) -> Reply:
    old = ACCOUNTS["member"].password
    body = json.dumps({"current_password": old, "new_password": "another-good-password-1"}).encode()
    headers = {**JSON, "Authorization": f"Bearer {signed_in.json['access_token']}"}
    return gateway.ask("POST", "/api/v1/auth/password", headers=headers, body=body)


def disable_by_command(gateway: RunningGateway, _: Reply) -> Reply:
    """In a process that serves nobody and hears nobody."""
    environment = {
        **clean_environment(),
        "ENVIRONMENT": "development",
        "DATABASE_URL": f"sqlite:///{gateway.database}",
        "REDIS_URL": gateway.redis_url,
    }
    command = [sys.executable, "manage.py", "shell", "-c", DISABLE.format(email=ACCOUNTS["member"].email)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, timeout=60)
    return Reply(204, {}, b"", 0.0)


def answered(running: Crowd, least: int) -> None:
    """Waits until so many more answers have come."""
    before = len(running.timed)
    wait_until(lambda: len(running.timed) >= before + least, seconds=20)


@pytest.mark.long
@pytest.mark.parametrize("end", [sign_out, change_password, disable_by_command])
def test_whose_access_ended_is_out_in_all_four_processes_at_once(
    start: Start, end: Callable[[RunningGateway, Reply], Reply]
) -> None:
    gateways = [start(WORKERS="2"), start(WORKERS="2")]
    signed_in = gateways[0].sign_in("member")
    headers = {"Authorization": f"Bearer {signed_in.json['access_token']}"}

    def ask_of(number: int) -> Ask:
        return Ask(gateways[number % 2].port, "/api/v1/auth/me", headers)

    with crowd(ask_of, readers=READERS) as running:
        answered(running, 20 * READERS)
        before = len(running.timed)
        ended = end(gateways[0], signed_in)
        ended_at = time.monotonic()
        answered(running, 20 * READERS)

    assert ended.status == 204
    assert {timed.reply.status for timed in running.timed[:before]} == {200}
    assert {timed.reply.status for timed in running.timed if timed.began > ended_at} == {401}
    assert running.failures == []
