"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlmodel.sql.sqltypes import AutoString, UTCDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("kind", AutoString(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("stage", AutoString(), nullable=True),
        sa.Column("task_index", sa.BigInteger(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("user", AutoString(), nullable=True),
        sa.Column("project", AutoString(), nullable=False),
        sa.Column("data", AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_events"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_job_id_seq", "events", ["job_id", "seq"])
    op.create_index("ix_events_project_seq", "events", ["project", "seq"])
    op.create_table(
        "identities",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("project", AutoString(), nullable=False),
        sa.Column("user", AutoString(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identities"),
        sa.UniqueConstraint("project", "user", name="uq_identities_project_user"),
    )
    op.create_table(
        "jobs",
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("queued", sa.Integer(), nullable=False),
        sa.Column("starting", sa.Integer(), nullable=False),
        sa.Column("running", sa.Integer(), nullable=False),
        sa.Column("succeeded", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("cancelled", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("project", AutoString(), nullable=False),
        sa.Column("user", AutoString(), nullable=False),
        sa.Column("name", AutoString(), nullable=False),
        sa.Column("queue", AutoString(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("tags", AutoString(), nullable=False),
        sa.Column("note", AutoString(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("snapshot", AutoString(), nullable=True),
        sa.Column("origin", sa.BigInteger(), nullable=True),
        sa.Column("submitted_at", UTCDateTime(), nullable=False),
        sa.Column("started_at", UTCDateTime(), nullable=True),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_jobs_project_id", "jobs", ["project", "id"])
    op.create_index(
        "ix_jobs_unfinished",
        "jobs",
        ["id"],
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("ix_jobs_user_id", "jobs", ["user", "id"])
    op.create_table(
        "nodes",
        sa.Column("name", AutoString(), nullable=False),
        sa.Column("ready", sa.Boolean(), nullable=False),
        sa.Column("capacity", AutoString(), nullable=False),
        sa.Column("seen_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_nodes"),
    )
    op.create_table(
        "projects",
        sa.Column("name", AutoString(), nullable=False),
        sa.Column("note", AutoString(), nullable=False),
        sa.Column("archived", sa.Boolean(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_projects"),
    )
    op.create_table(
        "users",
        sa.Column("name", AutoString(), nullable=False),
        sa.Column("admin", sa.Boolean(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("current_project", AutoString(), nullable=True),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_users"),
    )
    op.create_table(
        "idempotency",
        sa.Column("user", AutoString(), nullable=False),
        sa.Column("key", AutoString(), nullable=False),
        sa.Column("digest", AutoString(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_idempotency_jobs"),
        sa.PrimaryKeyConstraint("user", "key", name="pk_idempotency"),
    )
    op.create_table(
        "keys",
        sa.Column("fingerprint", AutoString(), nullable=False),
        sa.Column("user", AutoString(), nullable=False),
        sa.Column("line", AutoString(), nullable=False),
        sa.Column("added_at", UTCDateTime(), nullable=False),
        sa.Column("used_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user"], ["users.name"], name="fk_keys_users"),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_keys"),
    )
    op.create_index(op.f("ix_keys_user"), "keys", ["user"])
    op.create_table(
        "members",
        sa.Column("project", AutoString(), nullable=False),
        sa.Column("user", AutoString(), nullable=False),
        sa.Column("role", AutoString(), nullable=False),
        sa.ForeignKeyConstraint(["project"], ["projects.name"], name="fk_members_projects"),
        sa.ForeignKeyConstraint(["user"], ["users.name"], name="fk_members_users"),
        sa.PrimaryKeyConstraint("project", "user", name="pk_members"),
    )
    op.create_index(op.f("ix_members_user"), "members", ["user"])
    op.create_table(
        "specs",
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("spec", AutoString(), nullable=False),
        sa.Column("text", AutoString(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_specs_jobs"),
        sa.PrimaryKeyConstraint("job_id", name="pk_specs"),
    )
    op.create_table(
        "stages",
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("queued", sa.Integer(), nullable=False),
        sa.Column("starting", sa.Integer(), nullable=False),
        sa.Column("running", sa.Integer(), nullable=False),
        sa.Column("succeeded", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("cancelled", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", AutoString(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("needs", AutoString(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("next_index", sa.Integer(), nullable=False),
        sa.Column("rest_state", AutoString(), nullable=False),
        sa.Column("queued_at", UTCDateTime(), nullable=True),
        sa.Column("rest_ended_at", UTCDateTime(), nullable=True),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("request", AutoString(), nullable=False),
        sa.Column("timeout_s", sa.Integer(), nullable=False),
        sa.Column("retries", AutoString(), nullable=False),
        sa.Column("max_concurrent", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_stages_jobs"),
        sa.PrimaryKeyConstraint("job_id", "name", name="pk_stages"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_stages_queued",
        "stages",
        ["job_id"],
        sqlite_where=sa.text("queued > 0"),
        postgresql_where=sa.text("queued > 0"),
    )
    op.create_table(
        "tasks",
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("stage", AutoString(), nullable=False),
        sa.Column("task_index", sa.BigInteger(), nullable=False),
        sa.Column("state", AutoString(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("losses", sa.Integer(), nullable=False),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("node", AutoString(), nullable=True),
        sa.Column("gpu_ids", AutoString(), nullable=False),
        sa.Column("reason", AutoString(), nullable=True),
        sa.Column("message", AutoString(), nullable=False),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("queued_at", UTCDateTime(), nullable=True),
        sa.Column("started_at", UTCDateTime(), nullable=True),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.Column("cpu_s", sa.Float(), nullable=True),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=True),
        sa.Column("metrics", AutoString(), nullable=True),
        sa.ForeignKeyConstraint(["job_id", "stage"], ["stages.job_id", "stages.name"], name="fk_tasks_stages"),
        sa.PrimaryKeyConstraint("job_id", "stage", "task_index", name="pk_tasks"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_tasks_startable",
        "tasks",
        ["job_id", "stage", "task_index"],
        sqlite_where=sa.text("state = 'queued' AND held = 0"),
        postgresql_where=sa.text("state = 'queued' AND held = false"),
    )
    op.create_table(
        "attempts",
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("stage", AutoString(), nullable=False),
        sa.Column("task_index", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("node", AutoString(), nullable=False),
        sa.Column("gpu_ids", AutoString(), nullable=False),
        sa.Column("dispatched_at", UTCDateTime(), nullable=False),
        sa.Column("started_at", UTCDateTime(), nullable=True),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.Column("reason", AutoString(), nullable=True),
        sa.Column("message", AutoString(), nullable=False),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("cpu_s", sa.Float(), nullable=True),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["job_id", "stage", "task_index"],
            ["tasks.job_id", "tasks.stage", "tasks.task_index"],
            name="fk_attempts_tasks",
        ),
        sa.PrimaryKeyConstraint("job_id", "stage", "task_index", "number", name="pk_attempts"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_attempts_under_way",
        "attempts",
        ["job_id"],
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
