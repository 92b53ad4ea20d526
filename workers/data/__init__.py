"""Training and test data: the sources, drawn clusters, image files, features."""
