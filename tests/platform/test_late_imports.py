"""What a process has in memory only once it needs it."""

import subprocess
import sys
from typing import Final

import pytest

from tests.support.gateway import ROOT
from tests.support.processes import clean_environment

BEGIN: Final = "import sys, django; django.setup(); "
#: Whether the table is there, how graphene-django names two enum values, and whether the table is there then.
TRANSLITERATION: Final = (
    "import bff_project.schema; from graphene_django.utils.str_converters import to_const; "
    "has_table = lambda: hasattr(sys.modules['text_unidecode'], '_replaces'); "
    "print(has_table(), to_const('Größe 北'), to_const('x'), has_table())"
)
#: Whether the Markdown parser is there once all addresses are, and once a page was asked for.
DOCUMENTATION: Final = (
    "from django.test import Client; from django.urls import get_resolver; get_resolver().url_patterns; "
    "before = 'markdown_it' in sys.modules; status = Client(HTTP_HOST='localhost').get('/docs/').status_code; "
    "print(before, status, 'markdown_it' in sys.modules)"
)


@pytest.mark.parametrize(
    ("program", "expected"), [(TRANSLITERATION, "False GROSSE_BEI_ X True"), (DOCUMENTATION, "False 200 True")]
)
def test_it_is_loaded_at_its_first_use(program: str, expected: str) -> None:
    environment = {
        **clean_environment(),
        "ENVIRONMENT": "development",
        "DJANGO_SETTINGS_MODULE": "bff_project.settings",
    }
    run = subprocess.run(
        [sys.executable, "-c", BEGIN + program],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert run.stdout.splitlines()[-1] == expected
