"""Messages between the processes of a gateway, and the near cache that each may answer from."""
