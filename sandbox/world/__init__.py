"""The data behind the eight services: made from a seed, kept in memory, the same for the same seed and day."""
