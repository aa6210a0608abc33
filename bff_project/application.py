"""The WSGI application of a process that `serve` has started, which has run the system checks."""

import gc
import os

from django.core.wsgi import get_wsgi_application

from gateway_clients.database import serving

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bff_project.settings")
serving.serve()
application = get_wsgi_application()

# What was loaded stays until the process ends: the collector need not look at it again with every request's leftovers.
gc.collect()
gc.freeze()
