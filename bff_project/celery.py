"""The app for `celery --app=bff_project.celery worker`; `manage.py run_worker` starts one where there is a broker."""

import os

import django
from celery.signals import worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bff_project.settings")
django.setup()

from gateway_clients.database import process_mode  # noqa: E402  after Django is set up
from gateway_clients.fleet.pulse import pulse  # noqa: E402  after Django is set up
from gateway_clients.outbox.celery_app import worker_app  # noqa: E402  after Django is set up

process_mode.serve()
app = worker_app()
# It tells what it counts, as every process that works does.
worker_ready.connect(lambda **_: pulse().start(), weak=False)
