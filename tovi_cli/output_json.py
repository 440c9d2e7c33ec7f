"""Views as JSON: the field names are the keys, times are ISO 8601 in UTC with `Z`, unknown is null."""

from __future__ import annotations

import dataclasses
import json
import math
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def plain(value: object) -> Json:
    """A view, or a value in one, in JSON's own types. Numbers that JSON lacks (infinite, not a number) are null."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return str(value)
        case float():
            return value if math.isfinite(value) else None
        case datetime():
            return iso(value)
        case timedelta():
            return value.total_seconds()
        case bytes():
            return b64encode(value).decode("ascii")
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case Sequence():
            return [plain(item) for item in value]
        case _:
            return {name: plain(getattr(value, name)) for name in field_names(value)}


def iso(time: datetime) -> str:
    """`2026-01-31T14:05:06Z`; microseconds only where there are some."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")


def field_names(view: object) -> tuple[str, ...]:
    """The fields of a view, in their order; none for a plain value."""
    if not dataclasses.is_dataclass(view):
        return ()
    return tuple(field.name for field in dataclasses.fields(view))


def line(document: Json) -> str:
    """One line of pure ASCII: nothing in it can move a cursor."""
    return _harmless(json.dumps(document, allow_nan=False))


def page(document: Json) -> str:
    """The same for people: indented, with a line end."""
    return _harmless(json.dumps(document, allow_nan=False, indent=2)) + "\n"


def _harmless(text: str) -> str:
    return text.replace("\x7f", "\\u007f")
