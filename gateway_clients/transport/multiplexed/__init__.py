"""Several requests at once on one thread: all are written before the first answer is waited for."""
