"""From what the gateway and its upstreams know of people to what portals see."""
