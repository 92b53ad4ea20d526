"""What every request passes: admission, headers, bodies, queries, errors."""
