"""The settings as a tovi.toml that says what each of them is for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

from pydantic import BaseModel

from tovi_server.settings import Settings


def settings_text(settings: Settings) -> str:
    """Every setting with its sentence and the value in force; those that are not set are comments."""
    return "\n".join(_table(settings, "")).lstrip("\n") + "\n"


def _table(table: BaseModel, path: str) -> Iterator[str]:
    inner: list[tuple[str, BaseModel]] = []
    if path:
        yield from ("", *_comment(type(table).__doc__), f"[{path}]")
    for name, field in type(table).model_fields.items():
        value = getattr(table, name)
        if isinstance(value, BaseModel):
            inner.append((f"{path}.{name}" if path else name, value))
            continue
        yield from _comment(field.description)
        yield f"# {name} =" if value is None else f"{name} = {_written(value)}"
    for inner_path, section in inner:
        yield from _table(section, inner_path)


def _comment(text: str | None) -> list[str]:
    return [f"# {line.strip()}" for line in (text or "").strip().splitlines()]


def _written(value: object) -> str:
    match value:
        case timedelta():
            return f'"{int(value.total_seconds())}s"'
        case tuple():
            return f"[{', '.join(_written(one) for one in value)}]"
        case BaseModel():
            return _written(value.model_dump())
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)} = {_written(one)}" for key, one in value.items()) + "}"
        case bool() | int() | float():
            return json.dumps(value)
    return json.dumps(str(value))
