"""What families of networks and sources of data add to the settings: what follows, what is a fault, the cost."""
