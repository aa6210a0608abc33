"""Redis over TLS: with a certificate that is trusted, or not at all; a password never goes over a plain connection."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import ConnectionPool, Redis

from gateway_clients.caching.invalidation import Invalidations
from gateway_clients.caching.store import Cache
from gateway_clients.redis_access.circuit import CacheDownError, RedisCircuit
from gateway_clients.redis_access.connection import TLSConnection, pool_options
from gateway_clients.redis_access.script_pool import script_pool_of
from tests.gateway_clients.caching.steps import fill, look
from tests.gateway_clients.caching.steps import value_of as value
from tests.support.calls import Running
from tests.support.certificates import Authority
from tests.support.redis_server import RedisServer
from tests.support.tls_redis import PASSWORD, TLSRedis

TLS_HANDSHAKE = 0x16


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def tls_redis(authority: Authority) -> Iterator[TLSRedis]:
    server = TLSRedis(authority)
    yield server
    server.remove()


def guard_of(url: str, ca_bundle: str = "") -> RedisCircuit:
    """Once it is down it stays so."""
    options = pool_options(url, timeout_seconds=0.5, most=20, ca_bundle=ca_bundle)
    redis = Redis(connection_pool=ConnectionPool.from_url(url, **options))
    return RedisCircuit(lambda: redis, sleep=lambda _: threading.Event().wait())


def test_scripts_and_commands_go_over_tls(tls_redis: TLSRedis, authority: Authority) -> None:
    circuit = guard_of(tls_redis.url, str(authority.bundle))
    cache = Cache(circuit, invalidations=Invalidations(), chance=lambda: 0.0)

    assert fill(cache, value="kept")
    assert value(look(cache)) == "kept"
    assert circuit.run(lambda redis: redis.set("key", "value")) is True
    (connection,) = circuit.run(lambda redis: script_pool_of(redis.connection_pool))._idle
    assert isinstance(connection, TLSConnection)


def test_a_server_whose_authority_is_not_trusted_is_not_told_the_password(tls_redis: TLSRedis, tmp_path: Path) -> None:
    another = Authority(tmp_path)
    for ca_bundle in ("", str(another.bundle)):
        circuit = guard_of(tls_redis.url, ca_bundle)
        with pytest.raises(CacheDownError):
            circuit.run(lambda redis: redis.ping())
        assert circuit.is_down


def test_options_of_the_address_hold(tls_redis: TLSRedis, authority: Authority) -> None:
    trusted = guard_of(f"{tls_redis.url}?ssl_min_version=771", str(authority.bundle))
    assert trusted.run(lambda redis: redis.ping()) is True
    unchecked = guard_of(f"{tls_redis.url}?ssl_cert_reqs=none")
    assert unchecked.run(lambda redis: redis.ping()) is True


ASK = """
import django
django.setup()
from gateway_clients.caching.redis_state import redis_state
from gateway_clients.redis_access.circuit import default_connection
default_connection().set("asked", "by a process")
print(redis_state())
"""


@pytest.mark.parametrize("way", ["TLS", "a Unix socket"])
def test_the_settings_lead_a_process_there(
    tls_redis: TLSRedis, authority: Authority, redis_server: RedisServer, tmp_path: Path, way: str
) -> None:
    if way == "TLS":
        environment = {"REDIS_URL": tls_redis.url, "SSL_CERT_FILE": str(authority.bundle)}
    else:
        redis_server.kill()
        redis_server.start(f"unixsocket {tmp_path / 'redis.sock'}")
        environment = {"REDIS_URL": f"unix://{tmp_path / 'redis.sock'}?db=1"}
    process = subprocess.run(
        [sys.executable, "-c", ASK],
        env={"DJANGO_SETTINGS_MODULE": "bff_project.settings", "ENVIRONMENT": "development", **environment},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (process.stdout.split(), process.returncode) == (["up"], 0), process.stderr


def test_what_is_said_first_is_a_handshake_and_no_password() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(5)
        circuit = guard_of(f"rediss://:{PASSWORD}@127.0.0.1:{listener.getsockname()[1]}/0")
        asking = Running(lambda: circuit.run(lambda redis: redis.ping()))
        connection, _ = listener.accept()
        with connection:
            said = connection.recv(65_536)

        assert isinstance(asking.wait().error, CacheDownError)
    assert (said[0], PASSWORD.encode() in said) == (TLS_HANDSHAKE, False)
