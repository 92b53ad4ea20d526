"""What is asked about results: diagrams, curves, their axes, conditions and theory."""
