"""Names and values that become environment variables: `params`, `env`, and the axes of a matrix."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from tovi_server.core.errors import InvalidSpecError
from tovi_server.core.spec_reader_field import Field, invalid, nearest, quoted, table, text

LONGEST_VALUE_BYTES: Final = 32 * 1024
"""A kernel takes no single variable above 128 KiB."""

MOST_NAMED: Final = 20

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)
_THE_SHELLS_OWN: Final = frozenset(
    {"_", "ENV", "BASH_ENV", "IFS", "PATH", "PWD", "OLDPWD", "PPID", "UID", "EUID", "GROUPS", "RANDOM", "SECONDS"}
    | {"LINENO", "OPTARG", "OPTERR", "OPTIND", "PS1", "PS2", "PS4", "BASHOPTS", "SHELLOPTS"}
)
_SET_BY_TOVI: Final = frozenset({"CUDA_VISIBLE_DEVICES", "HOME", "LOGNAME", "TMPDIR", "USER", "VIRTUAL_ENV"})
_REFUSED_IN_ENV: Final = _THE_SHELLS_OWN | _SET_BY_TOVI
_REFUSED_PREFIXES_IN_PARAMS: Final = ("CUDA_", "LD_", "LC_", "PYTHON", "SSH_")
_REFUSED_IN_PARAMS: Final = _REFUSED_IN_ENV | {"LANG", "SHELL", "TERM", "TZ"}


def read_env(field: Field) -> dict[str, str]:
    """Plain variables. They may change how programs behave, but not what Tovi and the shell rely on."""
    found = table(field)
    for name, child in found.items():
        _check_name(child, name)
        if name in _REFUSED_IN_ENV:
            raise _shadows(child, name, hint="set it inside `run` if you must")
    return {name: read_value(child) for name, child in found.items()}


def read_params(field: Field) -> dict[str, str]:
    """Parameters of a run, each as the text that was written."""
    found = table(field)
    for name, child in found.items():
        check_param_name(child, name)
    return {name: read_value(child) for name, child in found.items()}


def check_param_name(field: Field, name: str) -> None:
    """Refuse names that are none, or would shadow the environment."""
    _check_name(field, name)
    if name in _REFUSED_IN_PARAMS or name.startswith(_REFUSED_PREFIXES_IN_PARAMS):
        hint = "call it otherwise" if name in _REFUSED_IN_ENV else "call it otherwise, or set it in `env` for programs"
        raise _shadows(field, name, hint=hint)


def read_value(field: Field) -> str:
    """The text of one variable, as it was written."""
    found = text(field)
    size = len(found.encode())
    if size > LONGEST_VALUE_BYTES:
        raise invalid(field, f"this value has {size} bytes", why=f"at most {LONGEST_VALUE_BYTES} fit into a variable")
    return found


def check_overrides(given: Mapping[str, str], *, known: Collection[str], axes: Collection[str]) -> None:
    """Check parameters given beside the file: `known` are those of its `params`, `axes` those of its matrices."""
    for name, value in given.items():
        if name in axes and name not in known:
            raise InvalidSpecError(f"{quoted(name)} is part of the matrix", why="only what is in `params` can be set")
        if name not in known:
            there = ", ".join(sorted(known)[:MOST_NAMED])
            why = f"the file's params are: {there}" if there else "the file has no `params`"
            raise InvalidSpecError(f"there is no parameter {quoted(name)}", why=why, hint=nearest(name, known))
        _check_given(name, value)


def _check_given(name: str, value: str) -> None:
    try:
        size = len(value.encode())
    except UnicodeEncodeError as error:
        raise InvalidSpecError(f"the value of parameter {quoted(name)} is not UTF-8 text") from error
    if size > LONGEST_VALUE_BYTES or "\0" in value:
        why = f"a value has at most {LONGEST_VALUE_BYTES} bytes and no NUL character"
        raise InvalidSpecError(f"the value of parameter {quoted(name)} fits into no variable", why=why)


def _check_name(field: Field, name: str) -> None:
    if not _NAME.fullmatch(name):
        why = "a name has letters, digits and _, starts with no digit, and is at most 64 characters long"
        raise invalid(field, f"{quoted(name)} is not the name of a variable", why=why)
    if name.upper().startswith("TOVI_"):
        raise _shadows(field, name, hint="names that start with TOVI_ are Tovi's own")


def _shadows(field: Field, name: str, *, hint: str) -> InvalidSpecError:
    return invalid(field, f"{quoted(name)} would shadow the environment", why="programs rely on its value", hint=hint)
