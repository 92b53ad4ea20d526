"""Refinement: which points of a lattice are measured, what is inferred of the others, and how sure that is."""
