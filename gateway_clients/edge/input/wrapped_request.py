"""The request that Django made, which DRF's request wraps and has no public name for."""

from django.http import HttpRequest
from rest_framework.request import Request


def django_request(request: Request) -> HttpRequest:
    """Returns Django's request behind DRF's, with what the edge's middleware set on it."""
    return request._request
