"""The layers that a call goes through: cache, deadline, retry, breaker, bulkhead, transport; alone or side by side."""
