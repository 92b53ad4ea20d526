"""The names that parameters may hold and that grow: families of networks, and those of them that make features.

A name here, and a file of that name in `domain/families/` and in `workers/families/`, is a family.
"""

FAMILY_NAMES: tuple[str, ...] = ("two_layer", "mlp", "resnet18", "diagonal")
"""Every family of networks."""
EXTRACTOR_NAMES: tuple[str, ...] = ("resnet18",)
"""The families whose last hidden layer a head can be trained on."""
