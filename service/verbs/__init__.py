"""What can be done with experiments, runs and accounts."""
