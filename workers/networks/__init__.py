"""Networks as functions: layouts, outputs, losses, and what a trained one is."""
