"""The WSGI application of a process that `serve` has started, which has run the system checks."""

import gc
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.utils.module_loading import import_string

from gateway_clients.database import process_mode

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bff_project.settings")
process_mode.serve()
application = get_wsgi_application()

for name in settings.PROCESS_THREADS:
    import_string(name)().start()

# What was loaded stays until the process ends: the collector need not look at it again with every request's leftovers.
gc.collect()
gc.freeze()
