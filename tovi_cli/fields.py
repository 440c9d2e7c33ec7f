"""`--fields a,b`: values of a view by name, nested ones as `requested.gpus` or `metrics.loss`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from tovi_cli.output_json import field_names
from tovi_server.core.durations import format_duration
from tovi_server.core.errors import UsageError
from tovi_server.core.look import NOTHING, Look
from tovi_server.core.reasons import Reason
from tovi_server.core.resources import format_bytes
from tovi_server.core.safe import safe_line


def value_of(view: object, path: str) -> object:
    """What is at `path` in a view; None where a mapping lacks the key.

    Raises:
        UsageError: the view has no such field.
    """
    name, _, rest = path.partition(".")
    if isinstance(view, Mapping):
        return view.get(path)
    if view is None:
        return None
    names = field_names(view)
    if name not in names:
        raise unknown(path, names)
    found: object = getattr(view, name)
    return value_of(found, rest) if rest else found


def unknown(path: str, names: Sequence[str]) -> UsageError:
    """What to tell somebody who asked for a field that is not among `names`."""
    near = difflib.get_close_matches(path, names, n=1)
    hint = f"did you mean {near[0]}?" if near else ""
    return UsageError(f'there is no field "{path}"', why=f"the fields are {', '.join(names) or 'none'}", hint=hint)


def text_of(value: object, path: str, look: Look) -> str:
    """A value in a cell; the unit in its name says how to write it."""
    match value:
        case None | "" | ():
            return NOTHING
        case bool():
            return "yes" if value else "no"
        case datetime():
            return look.when(value)
        case Reason():
            return safe_line(value.message)
        case int() | float():
            return _number(value, path)
        case Mapping():
            return safe_line(" ".join(f"{key}={item}" for key, item in value.items())) or NOTHING
        case tuple() | list():
            return safe_line(",".join(str(item) for item in value))
        case _:
            return safe_line(str(value))


def _number(value: float, path: str) -> str:
    if path.endswith("_bytes"):
        return format_bytes(int(value))
    if path.endswith("_s"):
        return format_duration(timedelta(seconds=value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)
