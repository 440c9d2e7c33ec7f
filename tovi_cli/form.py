"""The options that every query has: in which form to answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from tovi_server.core.errors import UsageError


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Form:
    """A table for people unless one of these is given."""

    json: bool = False
    """One JSON document."""
    jsonl: bool = False
    """A JSON document a line."""
    fields: str | None = None
    """Which fields, in which order: a,b,c."""

    def picked(self) -> tuple[str, ...] | None:
        """The names after `--fields`, None when all are wanted.

        Raises:
            UsageError: `--json` and `--jsonl` together, or an empty list of fields.
        """
        if self.json and self.jsonl:
            raise UsageError("--json and --jsonl exclude each other")
        if self.fields is None:
            return None
        names = tuple(name.strip() for name in self.fields.split(",") if name.strip())
        if not names:
            raise UsageError("--fields names no field", hint="for instance --fields id,state")
        return names


TABLE = Form()

Json = Annotated[bool, Parameter(name="--json", help="One JSON document.")]
"""For verbs that change something: a wrong field must not be found out after the change."""
