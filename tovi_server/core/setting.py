"""What settings are made of: frozen sections, with lengths of time and amounts as people write them."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from tovi_server.core.durations import parse_duration
from tovi_server.core.errors import UsageError
from tovi_server.core.resources import parse_bytes


class Section(BaseModel):
    """One table of the settings. The docstring under a field is what people are told of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)


def _read_duration(value: object) -> object:
    """Texts of another form are left to pydantic, which reads what it wrote itself."""
    if not isinstance(value, str) or value.startswith("P"):
        return value
    try:
        return parse_duration(value)
    except UsageError as error:
        raise ValueError(error.why or error.what) from error


def _read_amount(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return parse_bytes(value)
    except UsageError as error:
        raise ValueError(error.why or error.what) from error


Duration = Annotated[timedelta, BeforeValidator(_read_duration)]
"""Written as in a job file: `90s`, `2d12h`."""
Amount = Annotated[int, BeforeValidator(_read_amount)]
"""Bytes, written as in a job file: `512M`, `32G`."""
