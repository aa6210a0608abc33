"""The sandbox as a Django app, so that its commands are found; it has no models."""

from django.apps import AppConfig


class SandboxConfig(AppConfig):
    """The commands `sandbox` and `sandbox_fault`."""

    name = "sandbox"
