"""What every route needs: problems, plain values, templates, dependencies."""
