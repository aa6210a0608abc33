"""The data behind the services: made from a seed, kept in memory, the same for the same seed and day."""
