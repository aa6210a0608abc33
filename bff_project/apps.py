"""The project as a Django app, so that its commands are found; it has no models."""

from django.apps import AppConfig


class ProjectConfig(AppConfig):
    """The commands `serve` and `run_demo`."""

    name = "bff_project"
