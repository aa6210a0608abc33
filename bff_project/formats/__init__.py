"""How staff's pages write moments."""
