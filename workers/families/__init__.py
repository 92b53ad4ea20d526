"""Families of networks: each trains, and shows what it trained to attacks, measures and an exact method."""
