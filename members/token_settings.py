"""Settings of simplejwt's, as they are now."""

from typing import Any

from rest_framework_simplejwt import settings as simplejwt


def setting(name: str) -> Any:
    """A setting of simplejwt's, as it is now."""
    return getattr(simplejwt.api_settings, name)
