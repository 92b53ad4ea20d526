"""Checking a database and keeping it in order."""
