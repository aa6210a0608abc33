"""What a process has in memory only once it needs it."""

import subprocess
import sys
from typing import Final

import pytest

from tests.support.gateway import ROOT
from tests.support.processes import clean_environment

BEGIN: Final = "import sys, django; django.setup(); "
#: Whether text-unidecode's table is there, how graphene-django names two enum values, and whether it is there then.
TRANSLITERATION: Final = (
    "import bff_project.schema; from graphene_django.utils.str_converters import to_const; "
    "has_table = lambda: '_replaces' in vars(sys.modules['text_unidecode']); "
    "print(has_table(), to_const('Größe 北'), to_const('x'), has_table())"
)
#: Whether charset-normalizer is there once all addresses are, what it tells, and whether it is there then.
ENCODINGS: Final = (
    "from django.urls import get_resolver; get_resolver().url_patterns; import inspect, requests; inspect.stack(); "
    "is_there = lambda: 'charset_normalizer.api' in sys.modules; before = is_there(); "
    "import charset_normalizer as package; version = package.__version__.partition('.')[0]; "
    "print(before, version, is_there(), package.detect(b'text')['encoding'], hasattr(package, 'nothing'), is_there())"
)
#: Whether a part of it can be imported first, and the whole behind it.
PARTS: Final = (
    "import charset_normalizer.utils; from charset_normalizer import from_bytes; "
    "print(charset_normalizer.utils.iana_name('latin-1'), from_bytes(b'text').best().encoding)"
)
#: Whether the Markdown parser is there once all addresses are, and once a page was asked for.
DOCUMENTATION: Final = (
    "from django.test import Client; from django.urls import get_resolver; get_resolver().url_patterns; "
    "before = 'markdown_it' in sys.modules; status = Client(HTTP_HOST='localhost').get('/docs/').status_code; "
    "print(before, status, 'markdown_it' in sys.modules)"
)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (TRANSLITERATION, "False GROSSE_BEI_ X True"),
        (ENCODINGS, "False 3 False ascii False True"),
        (PARTS, "latin_1 ascii"),
        (DOCUMENTATION, "False 200 True"),
    ],
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
