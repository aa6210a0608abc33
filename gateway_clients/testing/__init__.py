"""Fakes shipped with the app, for the tests of those who build on it."""
