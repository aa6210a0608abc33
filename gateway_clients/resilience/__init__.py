"""What keeps a failing upstream from taking others with it: deadlines, breakers, bulkheads, retries with a budget."""
