#!/usr/bin/env python
"""Django's command line."""

import os
import signal
import sys

if __name__ == "__main__":
    if os.getpid() == 1:
        # The first process of a container gets no signal that it has no handler for.
        signal.signal(signal.SIGTERM, lambda signum, _: sys.exit(128 + signum))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bff_project.settings")
    try:
        from django.core.management import execute_from_command_line
    except ModuleNotFoundError:
        sys.exit("The packages are not installed: run `make install`, then .venv/bin/python manage.py …")
    from bff_project.environment import BadSettingsError

    try:
        execute_from_command_line(sys.argv)
    except BadSettingsError as error:
        sys.exit(str(error))
