"""`resources`, `timeout` and `retries`: what a task asks for, how long, and how often."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Final

from tovi_server.core.durations import parse_duration
from tovi_server.core.errors import UsageError
from tovi_server.core.resources import Resources, parse_bytes
from tovi_server.core.retry import Cause, RetryPolicy
from tovi_server.core.spec_reader_field import (
    Field,
    invalid,
    items,
    known_table,
    line,
    one_of,
    quoted,
    said_in,
    scalar,
    text,
    whole_number,
)
from tovi_server.core.spec_reader_keys import RESOURCES, RESOURCES_LATER, RETRIES, RETRIES_LATER
from tovi_server.core.yaml_node import Items, Scalar, Table

MOST_CPUS: Final = 1_000_000
MOST_GPUS: Final = 100_000
MOST_RETRIES: Final = 100
LONGEST_AMOUNT: Final = 60

_CPUS = re.compile(r"([0-9]{1,7})(?:\.([0-9]{1,3}))?", re.ASCII)
_GPU_MEMORY = re.compile(r"(.*)\+", re.ASCII)
_GPU_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}", re.ASCII)


def read_timeout(field: Field) -> timedelta:
    try:
        return parse_duration(line(field, longest=LONGEST_AMOUNT))
    except UsageError as error:
        raise said_in(field, error) from error


def read_resources(field: Field, defaults: Resources) -> Resources:
    """What the field asks for; kinds it does not name are those of `defaults`."""
    found = known_table(field, RESOURCES, later=RESOURCES_LATER)
    asked = defaults
    if "cpus" in found:
        asked = replace(asked, cpu_millicores=_millicores(found["cpus"]))
    if "memory" in found:
        asked = replace(asked, memory_bytes=_amount(found["memory"]))
    if "disk" in found:
        asked = replace(asked, disk_bytes=_amount(found["disk"]))
    if "gpus" in found:
        asked = replace(asked, gpus=whole_number(found["gpus"], least=0, most=MOST_GPUS))
    if "gpu" in found:
        asked = _with_kind(found["gpu"], asked)
    return asked if asked.gpus else replace(asked, gpu_models=(), gpu_memory_bytes=0)


def _millicores(field: Field) -> int:
    match = _CPUS.fullmatch(text(field))
    millicores = int(match[1]) * 1000 + int((match[2] or "").ljust(3, "0")) if match else 0
    if not 0 < millicores <= MOST_CPUS * 1000:
        why = f"it is a number such as 4 or 0.5, above 0 and at most {MOST_CPUS}"
        raise invalid(field, f"{quoted(text(field))} is not a number of cpus", why=why)
    return millicores


def _amount(field: Field) -> int:
    try:
        return parse_bytes(line(field, longest=LONGEST_AMOUNT))
    except UsageError as error:
        raise said_in(field, error) from error


def _with_kind(field: Field, asked: Resources) -> Resources:
    if not asked.gpus:
        raise invalid(field, "this asks for a kind of GPU, but for no GPU", hint="say how many: `gpus: 1`")
    if isinstance(field.node, Items):
        return replace(asked, gpu_models=tuple(_model(item) for item in items(field)), gpu_memory_bytes=0)
    if least := _GPU_MEMORY.fullmatch(line(field, longest=LONGEST_AMOUNT)):
        return replace(asked, gpu_models=(), gpu_memory_bytes=_gpu_memory(field, least[1]))
    return replace(asked, gpu_models=(_model(field),), gpu_memory_bytes=0)


def _gpu_memory(field: Field, written: str) -> int:
    try:
        return parse_bytes(written)
    except UsageError as error:
        raise said_in(field, error) from error


def _model(field: Field) -> str:
    found = line(field, longest=63)
    if not _GPU_MODEL.fullmatch(found):
        why = 'it is a model such as h100, a list of models, or at least so much memory: "40G+"'
        raise invalid(field, f"{quoted(found)} is not a kind of GPU", why=why)
    return found.lower()


def read_retries(field: Field) -> RetryPolicy:
    """A number of extra tries, or a table that says after what as well."""
    if isinstance(field.node, Scalar):
        return RetryPolicy(max=whole_number(field, least=0, most=MOST_RETRIES))
    found = known_table(field, RETRIES, later=RETRIES_LATER)
    if "max" not in found:
        raise invalid(field, "this does not say how often", hint="add `max: 2`")
    most = whole_number(found["max"], least=0, most=MOST_RETRIES)
    causes, exit_codes = _when(found["when"]) if "when" in found else ((), ())
    return RetryPolicy(max=most, when=causes, exit_codes=exit_codes)


def _when(field: Field) -> tuple[tuple[Cause, ...], tuple[int, ...]]:
    causes: list[Cause] = []
    exit_codes: list[int] = []
    for item in items(field):
        if isinstance(item.node, Table):
            exit_codes += _exit_codes(item)
        else:
            scalar(item)
            causes.append(Cause(one_of(item, [cause.value for cause in Cause])))
    return tuple(dict.fromkeys(causes)), tuple(dict.fromkeys(exit_codes))


def _exit_codes(field: Field) -> list[int]:
    found = known_table(field, ("exit",), later={})
    if "exit" not in found:
        raise invalid(field, "this table is empty", hint="exit codes are written `exit: [75]`")
    return [whole_number(item, least=1, most=255) for item in items(found["exit"])]
