"""What decides a run: its parameters, its key, its stack, and the faults of an input."""
