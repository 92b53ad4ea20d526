"""What every verb and process needs: configuration, errors, the database."""
