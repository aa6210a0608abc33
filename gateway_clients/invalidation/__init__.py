"""The rules of what a change invalidates, and the one way to invalidate it."""
