"""What every verb and process needs: settings, errors, the database."""
