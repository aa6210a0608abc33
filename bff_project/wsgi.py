"""The WSGI application for servers that start it by themselves: gunicorn, uWSGI, `runserver`."""

from bff_project.application import application
from bff_project.start_checks import refuse_bad_settings

__all__ = ["application"]

refuse_bad_settings()
