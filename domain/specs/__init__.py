"""From what a user submits to runs: spec, points, their order, presets."""
