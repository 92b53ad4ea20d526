"""What Alembic runs: the migrations over the connection that `db/schema/upgrade.py` hands in, then a column for each
measure of the catalogue that has none yet."""

from alembic import context
from alembic.operations import Operations
from sqlalchemy import Column, Double

from phaselab.db.schema import tables
from phaselab.db.schema.upgrade import measures_without_column

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=tables.metadata, render_as_batch=True, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
    for name in measures_without_column(connection):
        Operations(context.get_context()).add_column("runs", Column(name, Double()))
