"""The project: settings, addresses, processes. Its version is the gateway's, and stands here alone."""

from typing import Final

#: As of Semantic Versioning 2.0.0; `CHANGELOG.md` says what each version brought.
__version__: Final = "1.0.0"
