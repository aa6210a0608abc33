"""Singletons of a process, sockets, the start gate and failpoints."""
