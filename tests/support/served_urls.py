"""The little site that the tests of `manage.py serve` serve."""

import os
import time
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.urls import path
from prometheus_client import Counter

HITS = Counter("served_hits", "Requests for /pid, over all workers.")


def pid(_request: HttpRequest) -> HttpResponse:
    HITS.inc()
    pid = str(os.getpid())
    return HttpResponse(pid, headers={"Content-Length": str(len(pid))})


def slow(request: HttpRequest) -> HttpResponse:
    time.sleep(float(request.GET["seconds"]))
    return HttpResponse("finished")


def ready(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=503 if Path(os.environ["DRAIN_FILE"]).exists() else 200)


urlpatterns = [path("pid", pid), path("slow", slow), path("health/ready", ready)]
