"""Preferences: what front ends keep for a user."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "preferences",
        sa.Column("user", AutoString(), nullable=False),
        sa.Column("name", AutoString(), nullable=False),
        sa.Column("value", AutoString(), nullable=False),
        sa.ForeignKeyConstraint(["user"], ["users.name"], name="fk_preferences_users"),
        sa.PrimaryKeyConstraint("user", "name", name="pk_preferences"),
    )
