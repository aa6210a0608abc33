"""Settings of the little site that the tests of `manage.py serve` serve."""

import os

from bff_project.settings import *  # noqa: F403

AUTH_USER_MODEL = "auth.User"
ROOT_URLCONF = "tests.support.served_urls"
INSTALLED_APPS = ["bff_project", "django.contrib.auth", "django.contrib.contenttypes"]
MIDDLEWARE: list[str] = []
METRICS_COLLECTORS: tuple[str, ...] = ()
PROCESS_THREADS: tuple[str, ...] = ()
if os.environ.get("SERVED_IS_WRONG"):
    INSTALLED_APPS = ["django.contrib.admin", *INSTALLED_APPS]
