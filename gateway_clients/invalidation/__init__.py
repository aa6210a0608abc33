"""What no longer holds after a change: the rules, and the one way to invalidate it."""
