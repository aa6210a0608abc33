"""In English, the only language of staff's pages."""
