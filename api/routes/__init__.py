"""The routes, and the pages."""
