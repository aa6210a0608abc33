"""The last migration of each of our apps that the last release had: `make released` writes them down."""

import json
from pathlib import Path
from typing import Final

from django.apps import apps
from django.db.migrations.loader import MigrationLoader

FILE: Final = Path(__file__).with_name("migrations.json")
#: Where our code is; those of packages are theirs to keep compatible.
ROOT: Final = Path(__file__).resolve().parents[2]


def current() -> dict[str, str]:
    """Those of this checkout."""
    loader = MigrationLoader(None)
    ours = {config.label for config in apps.get_app_configs() if Path(config.path).is_relative_to(ROOT)}
    venv = {config.label for config in apps.get_app_configs() if "site-packages" in config.path}
    return {app: name for app, name in sorted(loader.graph.leaf_nodes()) if app in ours - venv}


def released() -> dict[str, str]:
    """Those of the last release."""
    names: dict[str, str] = json.loads(FILE.read_text())
    return names


if __name__ == "__main__":
    import django

    django.setup()
    FILE.write_text(json.dumps(current(), indent=2) + "\n")
