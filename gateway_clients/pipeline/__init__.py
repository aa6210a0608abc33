"""What happens to a call: cache, deadline, retry, breaker, bulkhead, transport; alone or side by side."""
