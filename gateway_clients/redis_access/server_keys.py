"""Names in Redis of the cache's generation, of the server that it was raised on, and of what ends with that server."""

from django.conf import settings


def generation_name() -> str:
    """Returns the name in Redis of the generation, a version that all entries carry."""
    return f"{settings.CACHE_KEY_PREFIX}:g"


def server_name() -> str:
    """Returns the name in Redis of the run id of the server that the generation was raised on."""
    return f"{settings.CACHE_KEY_PREFIX}:server"


def channel_state_name(prefix: str) -> str:
    """Returns the name in Redis of the state of the channel between processes: its epoch and its last number."""
    return f"{prefix}:cluster:state"
