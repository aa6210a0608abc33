"""Values that look right and would fail at the first sign-in, call or connection are refused at start as well."""

import os
from pathlib import Path
from typing import Final
from unittest.mock import patch

import pytest

from bff_project import environment
from bff_project.environment import BadSettingsError
from tests.platform.settings_of import settings_with

DURATION: Final = "a duration such as 30s, 15m, 1h or 7d, at most 36500d"
ORIGINS: Final = "exact origins separated by commas, such as https://members.example.com"
URL: Final = "an http:// or https:// address without user, query or fragment"
BROKER: Final = "an address such as amqp://user:password@host:5672/vhost, amqps://, redis:// or rediss://"
DATABASE: Final = "postgres://user:password@host:5432/name or sqlite:///path"
REDIS: Final = "redis://host:port/0, rediss://host:port/0 (TLS) or unix:///path/to/socket"


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        # Now and that much is no moment of any calendar.
        ("JWT_EXPIRATION", "999999999d", DURATION),
        ("REFRESH_TOKEN_EXPIRATION", "36501d", DURATION),
        ("SESSION_IDLE", "999999999h", DURATION),
        ("AUDIT_RETENTION", "999999999d", DURATION),
        # No browser writes its origin so.
        ("CORS_ALLOWED_ORIGINS", "https://Members.example.com", ORIGINS),
        ("CORS_ALLOWED_ORIGINS", "https://members.example.com:443", ORIGINS),
        ("ALLOWED_ORIGINS", "http://members.example.com:80", ORIGINS),
        ("CORS_ALLOWED_ORIGINS", "https://members.example.com:", ORIGINS),
        # Nothing has such a name.
        ("CLAIMS_SERVICE_URL", "http://$CLAIMS_HOST:8001", URL),
        ("MEMBER_SERVICE_URL", "http://<member-service>:8002", URL),
        ("PAYMENT_SERVICE_URL", "http://payment-1,payment-2", URL),
        ("REDIS_HOST", "$REDIS", "the name or the IP address of a host, without scheme and port"),
        ("CELERY_BROKER_URL", "amqp://user:s3cret@broker.example:port//", BROKER),
        ("CELERY_BROKER_URL", "redis://:s3cret@broker.example:65536/1", BROKER),
        ("CELERY_BROKER_URL", "amqp://user:s3cret@broker-1:5672;amqp://user:s3cret@broker-2:port", BROKER),
        ("DATABASE_URL", "postgres://user:s3cret@$DB:5432/gateway", DATABASE),
        ("DATABASE_URL", "postgres://%2Frun%2Fpostgresql/gateway", DATABASE),
        ("DATABASE_URL", "postgres://user:s3cret@db.example/gateway?sslmod=require", DATABASE),
        ("DATABASE_URL", "postgres://user:s3cret@db.example/gateway?pool=9", DATABASE),
        ("DATABASE_URL", "postgres://user:s3cret@db.example/gateway?isolation_level=serializable", DATABASE),
        ("DATABASE_URL", "postgres://user:s3cret@db.example/gateway?prepare_threshold=often", DATABASE),
        # redis-py takes these, for another database or until it connects.
        ("REDIS_URL", "redis://:s3cret@redis.example:6379/main", REDIS),
        ("REDIS_URL", "redis://:s3cret@redis.example:6379/0?timeouts=1", REDIS),
        ("REDIS_URL", "rediss://:s3cret@redis.example:6380/0?protocol=9", REDIS),
    ],
)
def test_it_is_refused_with_what_would_be_right(name: str, value: str, right: str) -> None:
    with pytest.raises(BadSettingsError) as refused:
        settings_with({name: value})

    assert str(refused.value).splitlines()[1:] == [f"{name} must be {right}."]


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("CORS_ALLOWED_ORIGINS", "http://[::1]:5173", ["http://[::1]:5173"]),
        ("CORS_ALLOWED_ORIGINS", "https://members_2.example.com:8443", ["https://members_2.example.com:8443"]),
        ("CLAIMS_SERVICE_URL", "http://claims_service:8001", "http://claims_service:8001"),
        ("CLAIMS_SERVICE_URL", "http://[2001:db8::1]:8001", "http://[2001:db8::1]:8001"),
        ("REDIS_HOST", "redis-1.internal", "redis://redis-1.internal:6379/0"),
        ("REDIS_HOST", "10.0.0.7", "redis://10.0.0.7:6379/0"),
        ("REDIS_HOST", "::1", "redis://[::1]:6379/0"),
        ("REDIS_HOST", "[::1]", "redis://[::1]:6379/0"),
        ("REDIS_URL", "redis://redis:6379", "redis://redis:6379"),
        ("REDIS_URL", "redis://redis:6379/0/", "redis://redis:6379/0/"),
        ("REDIS_URL", "redis://redis:6379/2?max_connections=9", "redis://redis:6379/2?max_connections=9"),
        ("REDIS_URL", "redis://redis?db=2&client_name=bff", "redis://redis?db=2&client_name=bff"),
        ("REDIS_URL", "rediss://redis/0?ssl_certfile=/c.pem", "rediss://redis/0?ssl_certfile=/c.pem"),
        ("CELERY_BROKER_URL", "amqp://user:s3cret@broker:5672//", "amqp://user:s3cret@broker:5672//"),
        ("CELERY_BROKER_URL", "amqp://broker-1:5672;amqp://broker-2:5672", "amqp://broker-1:5672;amqp://broker-2:5672"),
    ],
)
def test_what_works_is_taken(name: str, value: str, read: object) -> None:
    settings, _ = settings_with({name: value})

    assert settings["REDIS_URL" if name == "REDIS_HOST" else name] == read


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("postgres://user:s3cret@db_1.example/gateway?sslmode=verify-full&application_name=bff", "db_1.example"),
        ("postgres://user:s3cret@[::1]:5432/gateway", "::1"),
        ("postgres://user:s3cret@db-1,db-2/gateway?target_session_attrs=read-write", "db-1,db-2"),
        ("postgres://user:s3cret@db/gateway?prepare_threshold=5&isolation_level=4", "db"),
        ("postgres:////run/postgresql/gateway", "/run/postgresql"),
        ("postgres:///gateway", ""),
    ],
)
def test_a_database_that_can_be_connected_to_is_taken(url: str, host: str) -> None:
    settings, _ = settings_with({"DATABASE_URL": url})

    database = settings["DATABASES"]["default"]
    assert (database["HOST"], database["NAME"]) == (host, "gateway")


def test_a_value_of_the_file_stands_for_itself(tmp_path: Path) -> None:
    lines = ("UPSTREAM_SERVICE_TOKEN=$tok", "JWT_SECRET=$2b$12$abc", "REDIS_PASSWORD=a#b$c d", "PORT=4321", "THREADS=")
    (tmp_path / ".env").write_text("\n".join(lines))

    with patch.dict(os.environ, {"PORT": "4322"}, clear=True):
        found = environment.read_environment(tmp_path)

        assert found.visible("UPSTREAM_SERVICE_TOKEN", "") == "$tok"
        assert found.secrets("JWT_SECRET") == ("$2b$12$abc",)
        assert found.text("REDIS_PASSWORD", "") == "a#b$c d"
        assert (found.port("PORT", 4000), found.count("THREADS", 192)) == (4322, 192)
