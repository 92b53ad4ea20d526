"""Attacks: landscapes, one loop over them, and whether it can be trusted."""
