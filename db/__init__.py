"""Rows: tables, migrations and every query. `Database.transaction()` is the one commit."""
