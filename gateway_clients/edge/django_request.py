"""The request that Django made, which DRF's request wraps and has no public name for."""

from django.http import HttpRequest
from rest_framework.request import Request


def django_request(request: Request) -> HttpRequest:
    """What the edge's middleware saw, with all that it has left there."""
    return request._request
