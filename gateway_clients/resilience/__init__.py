"""Deadlines, breakers, bulkheads and retry budgets: they keep a failing upstream from taking others with it."""
