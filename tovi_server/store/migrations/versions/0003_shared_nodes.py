"""Machines that others use too: what they took, and how many tasks there is a place for.

The table is made anew: within seconds the scheduler writes again what was in it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.drop_table("nodes")
    op.create_table(
        "nodes",
        sa.Column("name", AutoString(), nullable=False),
        sa.Column("ready", sa.Boolean(), nullable=False),
        sa.Column("capacity", AutoString(), nullable=False),
        sa.Column("taken_by_others", AutoString(), nullable=True),
        sa.Column("slots", sa.Integer(), nullable=True),
        sa.Column("seen_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_nodes"),
    )
