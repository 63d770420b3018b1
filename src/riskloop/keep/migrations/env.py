"""Alembic's entry: runs the revisions on the connection that ``keep.database`` hands over."""

from __future__ import annotations

from alembic import context

from riskloop.keep.database import REVISION_TABLE
from riskloop.keep.tables import metadata

_given = context.config.attributes

if context.is_offline_mode():
    context.configure(
        dialect_name=_given["dialect"],
        target_metadata=metadata,
        version_table=REVISION_TABLE,
        literal_binds=True,
    )
else:
    context.configure(connection=_given["connection"], target_metadata=metadata, version_table=REVISION_TABLE)

with context.begin_transaction():
    context.run_migrations()
