"""Which key is still used by how much: counted in what each key has signed or encrypted and is still kept."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast

from django.conf import settings
from django.contrib.sessions.models import Session
from django.core import signing
from django.db.models import Count, F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from redis import Redis

from claims.models import Submission
from gateway_clients.caching.store import default_cache
from gateway_clients.encryption import KEY_ID_BYTES, SEALED, fingerprint, key_from_text
from gateway_clients.models import AuditEntry
from gateway_clients.redis_access.circuit import CacheDownError
from members.models import SecondFactor, TokenFamily
from members.token_settings import setting
from members.tokens import access_keys

#: How Django salts what it keeps of a session in the database.
SESSION_SALT: Final = "django.contrib.sessions.SessionStore"
#: What one look at Redis goes through.
BATCH: Final = 1000
#: The line of times and versions before the value of a cache entry is no longer.
HEAD_BYTES: Final = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyUse:
    """One key and what hangs on it. `does`: `signs` for the one that is used for what is new, else `verifies`.

    `count` None: nobody knows, because Redis does not answer or nothing is kept of what it signed.
    """

    setting: str
    key: str
    does: str
    what: str
    count: int | None


def key_uses() -> Iterator[KeyUse]:
    """Every key of every setting, with what it is used for; also keys that are used and no longer there."""
    for name, keys, what, count in _table():
        counted = count()
        for number, key in enumerate(keys):
            does = "signs" if number == 0 else "verifies"
            found = None if counted is None else counted.get(key, 0)
            yield KeyUse(setting=name, key=key, does=does, what=what, count=found)
        for key in sorted(set(counted or ()) - set(keys)):
            yield KeyUse(setting=name, key=key or "unnamed", does="missing", what=what, count=(counted or {})[key])


_Count = Callable[[], Mapping[str, int] | None]


def _table() -> Sequence[tuple[str, Sequence[str], str, _Count]]:
    secrets = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    sealing = [fingerprint(key_from_text(text)) for text in settings.CACHE_ENCRYPTION_KEYS]
    access = "JWT_PRIVATE_KEYS" if setting("ALGORITHM") == "ES256" else "JWT_SECRET"
    return (
        ("SECRET_KEY", _named(secrets), "sessions of staff", lambda: _sessions(secrets)),
        (access, [key.kid for key in access_keys()], "sign-ins whose access token lives", _access_tokens),
        ("REFRESH_TOKEN_SECRET", _named(settings.REFRESH_TOKEN_SECRET), "sign-ins", _refresh_tokens),
        ("CACHE_ENCRYPTION_KEYS", sealing, "values in Redis", _cached),
        ("CACHE_ENCRYPTION_KEYS", sealing, "parts of submissions", _submissions),
        ("CACHE_ENCRYPTION_KEYS", sealing, "second factors", _second_factors),
        ("AUDIT_KEYS", _named(settings.AUDIT_KEYS), "audit rows", _audit_rows),
        ("EVENTS_WEBHOOK_SECRET", _named(settings.EVENTS_WEBHOOK_SECRET), "events of the senders", lambda: None),
    )


def _named(secrets: Sequence[str]) -> list[str]:
    return [fingerprint(text.encode()) for text in secrets]


def _sessions(secrets: Sequence[str]) -> Mapping[str, int]:
    found: Counter[str] = Counter()
    signers = {fingerprint(key.encode()): signing.TimestampSigner(key=key, salt=SESSION_SALT) for key in secrets}
    for data in Session.objects.filter(expire_date__gt=timezone.now()).values_list("session_data", flat=True):
        found[next((name for name, signer in signers.items() if _is_signed(signer, data)), "")] += 1
    return found


def _is_signed(signer: signing.TimestampSigner, data: str) -> bool:
    try:
        signer.unsign(data)
    except signing.BadSignature:
        return False
    return True


def _access_tokens() -> Mapping[str, int]:
    issued_after = timezone.now() - setting("ACCESS_TOKEN_LIFETIME") - setting("LEEWAY")
    families = _living_families().annotate(issued_at=Coalesce(F("rotated_at"), F("created_at")))
    return _grouped(families.filter(issued_at__gt=issued_after), "access_key")


def _refresh_tokens() -> Mapping[str, int]:
    return _grouped(_living_families(), "refresh_key")


def _living_families() -> Any:
    alive = Q(revoked_at=None, epoch=F("account__token_epoch"), account__is_active=True)
    return TokenFamily.objects.filter(alive, expires_at__gt=timezone.now())


def _audit_rows() -> Mapping[str, int]:
    return _grouped(AuditEntry.objects.all(), "key_id")


def _grouped(rows: Any, column: str) -> Mapping[str, int]:
    return dict(rows.order_by().values_list(column).annotate(count=Count("pk")))


def _submissions() -> Mapping[str, int]:
    found: Counter[str] = Counter()
    for parts in Submission.objects.values_list("asked", "sent", "answer").iterator(chunk_size=BATCH):
        found.update(name for part in parts if part and (name := _sealed_with(bytes(part))) is not None)
    return found


def _second_factors() -> Mapping[str, int]:
    sealed = SecondFactor.objects.values_list("secret", flat=True).iterator(chunk_size=BATCH)
    return Counter(name for secret in sealed if (name := _sealed_with(bytes(secret))) is not None)


def _cached() -> Mapping[str, int] | None:
    try:
        return default_cache().circuit.run(_sealed_values)
    except CacheDownError:
        return None


def _sealed_values(redis: Redis) -> Mapping[str, int]:
    found: Counter[str] = Counter()
    for key in redis.scan_iter(match=f"*{settings.CACHE_KEY_PREFIX}*", count=BATCH, _type="string"):
        head = cast(bytes, redis.getrange(key, 0, HEAD_BYTES + KEY_ID_BYTES))
        # An entry of the cache has its times and versions before the value, in a line of their own.
        name = _sealed_with(head) or _sealed_with(head.partition(b"\n")[2])
        if name is not None:
            found[name] += 1
    return found


def _sealed_with(value: bytes) -> str | None:
    """The name of the key that sealed it; None for what is not sealed."""
    return value[1 : 1 + KEY_ID_BYTES].hex() if value[:1] == SEALED and len(value) > KEY_ID_BYTES else None
