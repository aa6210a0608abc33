"""A COMMIT that the database did not answer: what was to be written may stand there, or not."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError


class DoubtfulCommitError(OperationalError):
    """The database did not answer a COMMIT: what was to be written may stand there, or not."""


@dataclass(slots=True)
class _Changes:
    """What a transaction changes; once they are complete, nothing but its COMMIT is left."""

    are_complete: bool = False


@contextmanager
def doubt_in_commit() -> Iterator[_Changes]:
    """Around a transaction: tells a COMMIT without an answer from what has surely not happened.

    Raises DoubtfulCommitError.
    """
    changes = _Changes()
    try:
        yield changes
    except (OperationalError, InterfaceError) as error:
        if changes.are_complete:
            raise DoubtfulCommitError(*error.args) from error
        raise
