"""Storing what is submitted and what comes back, with everything that follows from it."""
