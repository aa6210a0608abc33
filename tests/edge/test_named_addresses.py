"""Addresses by their names, as `reverse` has them, and without the memory that it takes."""

import subprocess
import sys

import pytest
from django.urls import path, reverse, set_script_prefix

from gateway_clients.edge.output.named_addresses import address_of
from gateway_clients.edge.output.problems import EXPLANATION
from tests.support.gateway import ROOT
from tests.support.processes import clean_environment

URLS = "bff_project.urls"
BYTES = 1_000_000
#: The most that 50 threads hold which are the first to look for an explanation's address, together; then by `reverse`.
PROGRAM = """
import threading, tracemalloc
import django
django.setup()
from django.urls import clear_url_caches, get_resolver, reverse
from gateway_clients.edge.output.problems import EXPLANATION, explanation_of

def most_bytes(look):
    clear_url_caches()
    get_resolver().url_patterns
    tracemalloc.start()
    together = threading.Barrier(50)
    found = set()

    def run():
        together.wait()
        found.add(look())

    threads = [threading.Thread(target=run) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == {"/admin/console/explanation/r-1/"}, found
    return most

print(most_bytes(lambda: explanation_of("r-1")), most_bytes(lambda: reverse(EXPLANATION, args=("r-1",))))
"""
urlpatterns = [path("first/<int:number>/<str:rest>", lambda request: None, name="twice"), path("second", print)]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        (EXPLANATION, ("r-1",)),
        ("admin:index", ()),
        ("admin:console_breaker_change", ("r-1",)),
        ("admin:members_account_changelist", ()),
        ("schema", ()),
    ],
)
def test_an_address_is_the_one_of_reverse(name: str, arguments: tuple[str, ...]) -> None:
    assert address_of(name, "r-1", URLS) == reverse(name, args=arguments)


@pytest.mark.parametrize("name", ["admin:nobody", "nobody:index", "gateway_explain", "index", "admin:schema", ""])
def test_a_name_that_nobody_has_has_no_address(name: str) -> None:
    assert address_of(name, "r-1", URLS) is None


def test_the_text_stands_for_each_argument_as_it_is() -> None:
    assert address_of("twice", r"\1", __name__) == r"/first/\1/\1"


def test_an_address_begins_where_the_gateway_is_mounted() -> None:
    set_script_prefix("/below/")
    try:
        assert address_of("schema", "", URLS) == "/below/api/v1/schema"
    finally:
        set_script_prefix("/")


def test_the_first_problems_of_a_process_build_no_tables_of_all_addresses_each() -> None:
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**clean_environment(), "ENVIRONMENT": "development", "DJANGO_SETTINGS_MODULE": "bff_project.settings"},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    most, most_with_reverse = map(int, run.stdout.split()[-2:])

    assert most < BYTES
    assert most_with_reverse > 3 * BYTES
