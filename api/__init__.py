"""FastAPI routes, errors, pages and pictures. Knows neither Ray nor torch."""
