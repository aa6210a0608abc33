"""Automatic persisted queries that all processes share, kept in Redis.

Only documents that a signed-in account has sent are shared, sealed as cache entries
are. While Redis is down, each process knows the documents that it keeps itself.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from django.conf import settings

from gateway_clients.caching.store import default_cache
from gateway_clients.edge.graphql.documents import sha256_of
from gateway_clients.encryption import UnsealableError, sealer
from gateway_clients.redis_access.circuit import CacheDownError
from gateway_clients.runtime.singletons import process_singleton

#: How long a document is known to all after it was last used by its hash.
LIFE_SECONDS: Final = 6 * 3600
#: A process tells of a document that it knows already, once this time has passed since it last did.
TELL_SECONDS: Final = LIFE_SECONDS / 4
#: Larger documents are known only to the process that has read them.
MAX_SHARED_BYTES: Final = 16_000
MOST_TOLD: Final = 2_000


class SharedDocuments:
    """The documents that all processes share, and which of them this process has told
    lately.
    """

    def __init__(self, *, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._told_at: OrderedDict[str, float] = OrderedDict()

    def text_of(self, sha256: str) -> str | None:
        """The document with this hash; None if Redis does not have it, or is down."""
        name = _name(sha256)
        try:
            kept: Any = default_cache().circuit.run(lambda redis: redis.get(name))
            text = None if kept is None else sealer().open(name, kept).decode()
        except (CacheDownError, UnsealableError, UnicodeDecodeError):
            return None
        return text if text is not None and sha256_of(text) == sha256 else None

    def tell(self, sha256: str, text: str) -> None:
        """Shares a document, unless this process did so a while ago. Does nothing while
        Redis is down.
        """
        value = text.encode()
        if len(value) > MAX_SHARED_BYTES or not self._is_due(sha256):
            return
        name = _name(sha256)
        sealed = sealer().seal(name, value)
        try:
            default_cache().circuit.run(lambda redis: redis.set(name, sealed, ex=LIFE_SECONDS))
        except CacheDownError:
            with self._lock:
                self._told_at.pop(sha256, None)

    def _is_due(self, sha256: str) -> bool:
        now = self._now()
        with self._lock:
            told_at = self._told_at.get(sha256)
            if told_at is not None and now - told_at < TELL_SECONDS:
                return False
            self._told_at[sha256] = now
            self._told_at.move_to_end(sha256)
            if len(self._told_at) > MOST_TOLD:
                self._told_at.popitem(last=False)
            return True


@process_singleton
def shared_documents() -> SharedDocuments:
    """The shared documents of this process."""
    return SharedDocuments()


def _name(sha256: str) -> str:
    return f"{settings.CACHE_KEY_PREFIX}:graphql:document:{sha256}"
