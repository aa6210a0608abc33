"""Where portals are met. Each room exports its face in `__init__`; apps import from there only."""
