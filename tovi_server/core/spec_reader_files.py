"""`data`, `inputs`, `outputs`, `metrics` and `setup_files`: what a task finds, and what it leaves behind."""

from __future__ import annotations

import re
from typing import Final

from tovi_server.core.safe import safe_line
from tovi_server.core.spec import DataMount, Input, Output
from tovi_server.core.spec_reader_field import Field, invalid, items, not_yet, quoted, table, text
from tovi_server.core.yaml_node import Table

LONGEST_PATH_BYTES: Final = 1024
MOST_FILES: Final = 200
"""Of one kind, of one stage."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,63}", re.ASCII)
_DATASETS: Final = "datasets/"


def read_data(field: Field) -> tuple[DataMount, ...]:
    found = table(field)
    _check_number(field, len(found))
    return tuple(DataMount(_name(child, name), _dataset(child)) for name, child in found.items())


def _dataset(field: Field) -> str:
    written = text(field)
    name = written.removeprefix(_DATASETS)
    if "@" in name:
        raise not_yet(field, "versions of datasets")
    if not written.startswith(_DATASETS) or not _is_plain_component(name.rstrip("/")):
        why = "a dataset of the project is written datasets/NAME, and no container can have a NAME with a colon"
        raise invalid(field, f"{quoted(written)} is not a dataset", why=why)
    return name.rstrip("/")


def _is_plain_component(name: str) -> bool:
    size = len(name.encode())
    return 0 < size <= 255 and not {"/", ":"} & set(name) and not name.startswith(".") and safe_line(name) == name


def read_outputs(field: Field) -> tuple[Output, ...]:
    """A list of paths, or a table of names and paths."""
    if isinstance(field.node, Table):
        named = table(field)
        _check_number(field, len(named))
        outputs = [Output(read_path(child), _name(child, name)) for name, child in named.items()]
    else:
        _check_number(field, len(items(field)))
        outputs = [Output(read_path(item)) for item in items(field)]
    return tuple(outputs)


def read_paths(field: Field) -> tuple[str, ...]:
    _check_number(field, len(items(field)))
    return tuple(read_path(item) for item in items(field))


def read_path(field: Field) -> str:
    """A path inside the working copy, without a slash at its end."""
    written = text(field)
    path = written.removeprefix("./").rstrip("/")
    parts = path.split("/")
    if written.startswith("/") or any(part in ("", ".", "..") for part in parts) or safe_line(path) != path:
        why = "a path is relative to the code and stays inside it, such as results/model.pt"
        raise invalid(field, f"{quoted(written)} is not such a path", why=why)
    if len(path.encode()) > LONGEST_PATH_BYTES or any(len(part.encode()) > 255 for part in parts):
        why = f"a path has at most {LONGEST_PATH_BYTES} bytes, a name in it at most 255"
        raise invalid(field, f"{quoted(written)} is too long", why=why)
    return path


def read_inputs(field: Field) -> tuple[Input, ...]:
    """Names for outputs of other stages, written `name: stage` or `name: stage.output`."""
    found = table(field)
    _check_number(field, len(found))
    return tuple(_input(child, name) for name, child in found.items())


def _input(field: Field, name: str) -> Input:
    stage, dot, output = text(field).partition(".")
    if not stage or (dot and not output):
        why = "an input is written stage.output, or stage for all it left behind"
        raise invalid(field, f"{quoted(text(field))} is not an input", why=why)
    return Input(_name(field, name), stage, output or None)


def _name(field: Field, name: str) -> str:
    if not _NAME.fullmatch(name):
        why = "a name has letters, digits, . _ and -, and is at most 64 characters long"
        raise invalid(field, f"{quoted(name)} cannot be a name here", why=why)
    return name


def _check_number(field: Field, number: int) -> None:
    if not number:
        raise invalid(field, "this is empty", hint="leave the key out, or name at least one")
    if number > MOST_FILES:
        raise invalid(field, f"here are {number} entries", why=f"at most {MOST_FILES} are possible")
