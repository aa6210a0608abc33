"""Gateways on machines of their own, over the same servers."""

import http.client
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bff_project.processes.worker import READY
from sandbox.testing import Sandbox
from tests.cluster.network import REDIS, Machine
from tests.events.signing import SECRET, body_of, headers_of
from tests.support.gateway import MAKE_DATABASE, ROOT, Reply, RunningGateway
from tests.support.processes import Started, clean_environment
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_until

JSON: Final = {"Content-Type": "application/json"}
#: Two gateways of several processes begin at the same time.
START_SECONDS: Final = 90.0

#: In production alone a gateway listens at every address.
PRODUCTION: Final = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": "a-secret-key-of-the-test-of-two-machines",
    "JWT_SECRET": "a-secret-of-tokens-of-the-test-of-two-machines",
    "REFRESH_TOKEN_SECRET": "another-secret-of-tokens-of-two-machines",
    "AUDIT_KEYS": "a-key-of-the-audit-trail-of-two-machines",
    "CACHE_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
}


class Site:
    """What the gateways have in common, and what was started of it on which machine."""

    def __init__(self, directory: Path, sandbox: Sandbox, *, database_url: str, broker_url: str) -> None:
        self.sandbox = sandbox
        self.redis = RedisServer()
        self.redis.start(*reachable())
        self.redis_url = f"redis://{REDIS}:{self.redis.port}/0"
        self._directory = directory
        self._settings = {
            **PRODUCTION,
            "DATABASE_URL": database_url,
            "CELERY_BROKER_URL": broker_url,
            "EVENTS_WEBHOOK_SECRET": SECRET,
            **sandbox.urls,
        }
        self._started: list[Started] = []
        self._manage("-c", MAKE_DATABASE, ENVIRONMENT="development", DJANGO_SETTINGS_MODULE="bff_project.settings")

    def pair(self, machines: Sequence[Machine], **settings: str) -> list[RunningGateway]:
        """Starts one on each of the first two machines, which may be told of other servers than those of the site."""
        started = [self._gateway(machine, **settings) for machine in machines[:2]]
        for gateway in started:
            gateway.await_ready(seconds=START_SECONDS)
        return started

    def _gateway(self, machine: Machine, **settings: str) -> RunningGateway:
        given = {**self._settings, "ALLOWED_HOSTS": machine.address, "REDIS_URL": self.redis_url, **settings}
        gateway = RunningGateway(
            self._directory,
            redis_url=given["REDIS_URL"],
            upstreams=given,
            database=self._directory / "none",
            launcher=machine.command,
            host=machine.address,
        )
        self._started.append(gateway)
        return gateway

    def worker(self, machine: Machine, **settings: str) -> Started:
        """Starts a worker, with Celery beside it."""
        worker = Started(
            [*machine.command, sys.executable, "manage.py", "run_worker"],
            cwd=ROOT,
            environment={**clean_environment(), **self._settings, "REDIS_URL": self.redis_url, **settings},
            log=self._directory / f"{machine.name}-{len(self._started)}.log",
        )
        self._started.append(worker)
        wait_until(lambda: READY in worker.output, seconds=30)
        return worker

    def manage(self, *arguments: str) -> str:
        """What a command of `manage.py` says, from beside the servers."""
        return self._manage("manage.py", *arguments)

    def _manage(self, *arguments: str, **settings: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env={**clean_environment(), **self._settings, "REDIS_URL": self.redis_url, **settings},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def rename(self, member_id: str, phone: str) -> None:
        """Changes a member at their upstream, which tells nobody."""
        connection = http.client.HTTPConnection(self.sandbox.url("member").removeprefix("http://"), timeout=5)
        connection.request("PATCH", f"/members/{member_id}", json.dumps({"phone": phone}), JSON)
        assert connection.getresponse().status == 200
        connection.close()

    def remove(self) -> None:
        """Ends all that was started."""
        for each in self._started:
            each.remove()
        self.redis.remove()


def reachable() -> tuple[str, ...]:
    """What a Redis is told so that other machines reach it; the first address is what others are told of it."""
    return f"bind {REDIS} 127.0.0.1", "protected-mode no"


def tell(gateway: RunningGateway, event_type: str, **data: str) -> Reply:
    """An upstream's event, told to this gateway."""
    event = body_of(event_type, **data)
    return gateway.ask("POST", "/api/v1/events", headers={**JSON, **headers_of(event)}, body=event)
