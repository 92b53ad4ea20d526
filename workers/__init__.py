"""Tensors: data, networks, training, attacks, measures; and the trial that computes with them."""
