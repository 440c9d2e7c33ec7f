"""What a YAML text holds, before anybody has said what it means: texts as written, with their positions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in the text, line and column counted from 1, columns in characters."""

    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Scalar:
    """One text. `plain` texts stand without quotes, so they may mean a number, a truth value or nothing."""

    text: str
    plain: bool
    mark: Mark


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    nodes: tuple[Node, ...]
    mark: Mark


@dataclass(frozen=True, slots=True)
class Entry:
    """A key of a table and what it holds."""

    key: Scalar
    value: Node


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping, in the order of the text. No key is there twice."""

    entries: tuple[Entry, ...]
    mark: Mark


Node = Scalar | Items | Table
