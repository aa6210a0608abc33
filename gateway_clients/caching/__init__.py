"""Kept answers: entries with a life, leases to fill them, invalidation in constant time."""
