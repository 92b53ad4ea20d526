"""Families of networks: each joins training, attacks, measures and an exact method."""
