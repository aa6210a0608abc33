"""The version stands in one place; whatever else tells it agrees."""

import re

import yaml
from django.conf import settings
from prometheus_client import generate_latest

from bff_project import __version__
from gateway_clients.instrumentation.metrics import PrometheusMetrics
from tests.platform.settings_of import ROOT

SEMANTIC = re.compile(r"\d+\.\d+\.\d+")


def test_it_is_a_semantic_version_that_the_settings_have() -> None:
    assert SEMANTIC.fullmatch(__version__)
    assert __version__ == settings.GATEWAY_VERSION


def test_the_newest_release_of_the_changelog_is_this_one() -> None:
    released = re.findall(r"^## (\S+) - \d{4}-\d{2}-\d{2}$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert released[0] == __version__


def test_the_image_is_labelled_with_it() -> None:
    (label,) = re.findall(r'org\.opencontainers\.image\.version="([^"]*)"', (ROOT / "Dockerfile").read_text())
    assert label == __version__


def test_the_openapi_document_names_it() -> None:
    assert yaml.safe_load((ROOT / "openapi.yaml").read_text())["info"]["version"] == __version__


def test_the_metrics_tell_it() -> None:
    shown = generate_latest(PrometheusMetrics().registry).decode()
    assert f'web_bff_info{{version="{__version__}"}} 1.0' in shown.splitlines()
