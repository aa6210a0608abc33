"""What Redis calls the server it was when the cache was filled, and the cache's generation."""

from django.conf import settings


def generation_name() -> str:
    """Redis's name of the version that all entries carry."""
    return f"{settings.CACHE_KEY_PREFIX}:g"


def server_name() -> str:
    """Redis's name of the run id of the server that the generation was raised on."""
    return f"{settings.CACHE_KEY_PREFIX}:server"
