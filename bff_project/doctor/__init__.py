"""The examination of a deployment's surroundings that `manage.py doctor` runs: one module for each of them."""
