"""Pure values and rules. Imports nothing of ours, and no torch, Ray, SQL, HTTP, files or clock."""
