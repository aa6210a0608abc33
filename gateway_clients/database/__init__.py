"""The database: how long anybody waits for it, what happens while it is down, and how many connections it is asked for.

`breaker` knows whether the database answers, `connection` bounds every wait on PostgreSQL,
`pool` lends the process's connections, and `postgresql` and `sqlite3` are the Django backends
made of them. `process_mode` turns the bounds on in the processes that serve portals or do their
work; a command such as `migrate` may take as long as it needs.
"""
