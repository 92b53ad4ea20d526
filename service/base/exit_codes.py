"""Exit codes of the service's processes."""

UNFIT = 78
"""A fault that starting again does not mend: a setting, a schema, a cluster."""
SILENT = 75
"""The watchdog ended the process; start it again."""
