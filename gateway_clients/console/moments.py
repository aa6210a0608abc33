"""Moments as the console shows them, whatever Redis or the database says they were."""

from datetime import UTC, datetime


def moment_of(seconds: float) -> datetime:
    """The moment so many seconds after the Unix epoch; the last one that there is for one that no calendar has."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.max.replace(tzinfo=UTC)
