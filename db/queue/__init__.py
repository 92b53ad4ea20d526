"""What waits and who works on it: leases, leadership, progress, use."""
