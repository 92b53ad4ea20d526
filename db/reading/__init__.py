"""Reading experiments, points, runs and accounts."""
