"""Exact least perturbations, with certified bounds."""
