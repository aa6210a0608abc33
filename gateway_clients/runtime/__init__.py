"""What a process needs to run: singletons, the gate of its threads, sockets, failpoints."""
