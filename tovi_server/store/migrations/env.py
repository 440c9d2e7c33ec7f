"""Run by alembic, on the connection that `schema` hands over: it has begun the transaction, and commits it."""

from __future__ import annotations

from alembic import context

from tovi_server.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
