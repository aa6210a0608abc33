"""What the processes of the gateway know together, in Redis: counts, processes, what happened, explained requests."""
