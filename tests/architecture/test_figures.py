"""What the figures of a checkout count as its own."""

from pathlib import Path

import pytest

from tests.bench.reader import is_own

ROOT = Path("/checkout")


@pytest.mark.parametrize(
    ("file", "is_expected"),
    [
        ("/checkout/claims/views.py", True),
        ("/checkout/.venv/lib/python3.11/site-packages/django/http/request.py", False),
        ("/usr/lib/python3.11/functools.py", False),
        ("/checkout-2/claims/views.py", False),
    ],
)
def test_a_file_is_the_checkouts_own_unless_a_package_brought_it(file: str, is_expected: bool) -> None:
    assert is_own(file, ROOT) is is_expected
