"""The project as a Django app, so that its commands are found; it has no models."""

from django.apps import AppConfig
from django.core.handlers.base import reset_urlconf
from django.core.signals import request_finished

from bff_project import late_packages

late_packages.load_late()  # here, since this app comes before those that import them


class ProjectConfig(AppConfig):
    """The commands `serve` and `run_demo`."""

    name = "bff_project"

    def ready(self) -> None:
        """Keeps Django from forgetting behind each request which addresses there are: it is always `ROOT_URLCONF`'s."""
        request_finished.disconnect(reset_urlconf)
