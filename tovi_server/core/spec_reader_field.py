"""One value of a job file with its path and place, and the few forms a value can have.

Whatever reads a value starts here, so that every error names path, line, column, the value and what it should be.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from tovi_server.core.errors import InvalidSpecError, NotYetSupportedError, UsageError
from tovi_server.core.safe import safe_line
from tovi_server.core.yaml_node import Items, Mark, Node, Scalar, Table
from tovi_server.core.yaml_reader import FILE

LONGEST_SHOWN: Final = 60
MOST_SHOWN: Final = 40
MOST_COMPARED: Final = 500

_NULL = re.compile(r"null|Null|NULL|~|", re.ASCII)
_WHOLE = re.compile(r"[-+]?[0-9]+", re.ASCII)
_MOST_DIGITS: Final = 19


@dataclass(frozen=True, slots=True)
class Field:
    """A value, its path such as `stages.train.timeout` (empty for the whole file), and where its key stands."""

    path: str
    node: Node
    key: Mark

    def child(self, name: str, node: Node, key: Mark) -> Field:
        """The field of that name in this table. Its path is fit for one line of an error, whatever the name."""
        shown = safe_line(shortened(name))
        return Field(f"{self.path}.{shown}" if self.path else shown, node, key)


def invalid(field: Field, what: str, *, why: str = "", hint: str = "") -> InvalidSpecError:
    """An error about the value of a field."""
    return InvalidSpecError(f"{FILE}:{field.node.mark}: {_path(field)}{what}", why=why, hint=hint)


def not_yet(field: Field, name: str) -> NotYetSupportedError:
    """An error about a part of the job language that is known and cannot be done yet."""
    return NotYetSupportedError(
        f"{FILE}:{field.key}: `{field.path}` is not yet supported",
        why=f"this version of Tovi cannot do {name}, and ignoring it would run something else",
        hint="leave it out",
    )


def said_in(field: Field, error: UsageError) -> InvalidSpecError:
    """The error of a smaller reader (a duration, an amount), placed."""
    return invalid(field, error.what, why=error.why, hint=error.hint)


def quoted(text: str) -> str:
    """A value as errors show it: on one line, shortened."""
    return f'"{safe_line(shortened(text))}"'


def shortened(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


def _path(field: Field) -> str:
    return f"{field.path}: " if field.path else ""


def nearest(word: str, words: Iterable[str]) -> str:
    """A hint with the word that was probably meant; empty when none is near."""
    close = get_close_matches(word[:LONGEST_SHOWN], list(words)[:MOST_COMPARED], n=1, cutoff=0.6)
    return f"did you mean {quoted(close[0])}?" if close else ""


def table(field: Field) -> dict[str, Field]:
    """The fields of a table, by name, in the order of the file."""
    if not isinstance(field.node, Table):
        raise invalid(field, f"this is {described(field.node)}", why="here belongs a table of `key: value` lines")
    return {entry.key.text: field.child(entry.key.text, entry.value, entry.key.mark) for entry in field.node.entries}


def known_table(field: Field, keys: Iterable[str], *, later: Mapping[str, str]) -> dict[str, Field]:
    """As `table`, with no other keys than `keys`; those in `later` are known, but cannot be done yet."""
    fields = table(field)
    for name, child in fields.items():
        if name in later:
            raise not_yet(child, later[name])
        if name not in keys:
            raise unknown_key(field, child, name, keys)
    return fields


def unknown_key(parent: Field, field: Field, name: str, keys: Iterable[str]) -> InvalidSpecError:
    """The table `parent` has no key of that name, as `field` has."""
    near = nearest(name, keys)
    why = "" if near else f"the keys here are {', '.join(sorted(keys)[:MOST_SHOWN])}"
    return InvalidSpecError(f"{FILE}:{field.key}: {_path(parent)}there is no key {quoted(name)}", why=why, hint=near)


def items(field: Field) -> tuple[Field, ...]:
    """The elements of a list that is not empty."""
    if not isinstance(field.node, Items):
        raise invalid(field, f"this is {described(field.node)}", why="here belongs a list, written [a, b]")
    if not field.node.nodes:
        raise invalid(field, "this list is empty", hint="leave the key out, or name at least one")
    return tuple(Field(f"{field.path}[{place}]", node, node.mark) for place, node in enumerate(field.node.nodes))


def scalar(field: Field) -> Scalar:
    """The one text that a field holds."""
    if not isinstance(field.node, Scalar):
        raise invalid(field, f"this is {described(field.node)}", why="here belongs one value")
    if field.node.plain and _NULL.fullmatch(field.node.text):
        raise invalid(field, "this has no value", hint='leave the key out; an empty text is written ""')
    return field.node


def text(field: Field) -> str:
    """The text as it was written, whatever else it could mean: `1e-2` stays `1e-2`."""
    return scalar(field).text


def line(field: Field, *, longest: int) -> str:
    """A text for people: one line, not empty, nothing a terminal would act on."""
    found = text(field)
    if not found.strip() or safe_line(found) != found:
        raise invalid(field, f"{quoted(found)} is not a line of text", why="it is empty or has control characters")
    if len(found) > longest:
        raise invalid(field, f"{quoted(found)} has {len(found)} characters", why=f"at most {longest} are possible")
    return found


def whole_number(field: Field, *, least: int, most: int) -> int:
    """A whole number between two limits, both included."""
    found = scalar(field)
    if not found.plain or not _WHOLE.fullmatch(found.text):
        raise invalid(field, f"{quoted(found.text)} is not a whole number", why=f"it is from {least} to {most}")
    number = int(found.text) if len(found.text) <= _MOST_DIGITS else None
    if number is None or not least <= number <= most:
        raise invalid(field, f"{quoted(found.text)} is out of range", why=f"it is from {least} to {most}")
    return number


def one_of(field: Field, words: Iterable[str]) -> str:
    """One of some words."""
    found, choices = text(field), list(words)
    if found not in choices:
        why = f"it is one of {', '.join(choices)}"
        raise invalid(field, f"{quoted(found)} is not known here", why=why, hint=nearest(found, choices))
    return found


def described(node: Node) -> str:
    """What a node is, for an error."""
    if isinstance(node, Table):
        return "a table"
    return "a list" if isinstance(node, Items) else f"the value {quoted(node.text)}"
