"""The service's processes and the commands of who runs it."""
