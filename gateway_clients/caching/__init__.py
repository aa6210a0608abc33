"""The cache in Redis: entries with a time to live, leases to fill them, invalidation in constant time."""
