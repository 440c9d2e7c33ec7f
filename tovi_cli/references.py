"""Ids as people type them."""

from __future__ import annotations

from collections.abc import Sequence

from tovi_server.core.errors import UsageError
from tovi_server.core.ids import Reference, parse_reference


def job_reference(text: str) -> Reference:
    """Read the id of a whole job. Raises UsageError."""
    reference = parse_reference(text)
    if reference.stage is not None:
        raise UsageError(f'"{text}" is a part of a job', why="this works on whole jobs", hint=f"use {reference.job}")
    return reference


def references(texts: Sequence[str]) -> tuple[Reference, ...]:
    """Read ids. Raises UsageError."""
    return tuple(parse_reference(text) for text in texts)
