"""What Alembic runs: the migrations over the connection that `db/schema/upgrade.py` hands in."""

from alembic import context

from phaselab.db.schema.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
