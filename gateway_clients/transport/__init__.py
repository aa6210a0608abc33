"""Bytes to an upstream and back, in two lanes with the same clock and caps; foreign exceptions become ours here.

`threads`: requests, one call on the calling thread: every write, every stream, every call alone. `batch`: several reads
at once on one thread: all requests are written on pooled connections, then the answers are read as they come.
"""
