"""Training and test data: drawn clusters, image files, features."""
