"""Pictures: each is two functions, data in and drawing, so that tests can look at the data."""
