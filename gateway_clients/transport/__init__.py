"""Bytes to an upstream and back, by two clients with the same clock and caps; foreign exceptions become ours here.

`requests_client`: one call on the calling thread: every write, every stream, every call alone. `multiplexed`: several
reads at once on one thread: all requests are written on pooled connections, then the answers are read as they come.
"""
