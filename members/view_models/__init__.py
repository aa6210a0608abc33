"""What portals see of people."""
