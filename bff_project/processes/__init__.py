"""The operating-system side: which processes there are, how they start, and how none is left behind."""
