"""YAML text to nodes: the small, strict part of YAML 1.2 that a job file needs.

Guarantees, whatever the text: it ends quickly (size, depth and number of parts are bounded while the text is read, so
that nothing can be nested or repeated into something large), and what it does not accept is an
`InvalidSpecError` with line and column. Refused are aliases, tags, merge keys, keys that are there twice or are no
plain text, more than one document, and NUL characters.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import yaml

from tovi_server.core.errors import InvalidSpecError
from tovi_server.core.yaml_node import Entry, Items, Mark, Node, Scalar, Table

LARGEST_BYTES: Final = 2**20
DEEPEST: Final = 32
MOST_EVENTS: Final = 20_000

FILE: Final = "tovi.yaml"
"""What errors call the text."""

_Events = Iterator[yaml.Event]


def read_document(text: str) -> Node:
    """The one document that `text` is.

    Raises:
        InvalidSpecError: it is no YAML, or YAML beyond the limits above.
    """
    _check_size(text)
    try:
        return _only_document(_events(text))
    except yaml.reader.ReaderError as error:
        raise InvalidSpecError(f"{FILE} has a character that no text file has", why=str(error.reason)) from error
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error) from error


def _check_size(text: str) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise InvalidSpecError(f"{FILE} is not UTF-8 text", why=f"character {error.start + 1} is not") from error
    if size > LARGEST_BYTES:
        raise InvalidSpecError(
            f"{FILE} has {size} bytes",
            why=f"a job file has at most {LARGEST_BYTES}",
            hint="put long scripts and data into files beside it",
        )


def _not_yaml(error: yaml.MarkedYAMLError) -> InvalidSpecError:
    mark = error.problem_mark or error.context_mark
    place = f"{FILE}:{mark.line + 1}:{mark.column + 1}" if mark else FILE
    context = f" ({error.context})" if error.context else ""
    return InvalidSpecError(f"{place}: this is not YAML", why=f"{error.problem}{context}")


def _events(text: str) -> _Events:
    """The parser's events, as long as the text keeps within the limits."""
    depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=yaml.CSafeLoader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            raise _refused(event, "this is nested too deeply", why=f"a job file has at most {DEEPEST} levels")
        if number >= MOST_EVENTS:
            raise _refused(event, "too much is in this file", why=f"a job file has at most {MOST_EVENTS} parts")
        _check_plain(event)
        yield event


def _check_plain(event: yaml.Event) -> None:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
        raise _refused(event, "anchors (&) and aliases (*) are not used in job files", hint="write the value out")
    if isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
        raise _refused(event, "tags (!) are not used in job files", hint='put a text that starts with "!" in quotes')


def _only_document(events: _Events) -> Node:
    next(events)  # the start of the stream
    if isinstance(next(events), yaml.StreamEndEvent):
        raise InvalidSpecError(f"{FILE} is empty", why="a job file says at least what to run", hint="run: echo hello")
    document = _node(next(events), events)
    next(events)  # the end of the document
    after = next(events)
    if not isinstance(after, yaml.StreamEndEvent):
        raise _refused(after, "a second document starts here", why="a job file is one document")
    return document


def _node(event: yaml.Event, events: _Events) -> Node:
    if isinstance(event, yaml.MappingStartEvent):
        return Table(tuple(_entries(events)), _mark(event))
    if isinstance(event, yaml.SequenceStartEvent):
        return Items(tuple(_items(events)), _mark(event))
    assert isinstance(event, yaml.ScalarEvent)
    return _scalar(event)


def _scalar(event: yaml.ScalarEvent) -> Scalar:
    if "\0" in event.value:
        raise _refused(event, "this text has a NUL character", why="no program can receive one")
    return Scalar(event.value, plain=event.implicit[0], mark=_mark(event))


def _items(events: _Events) -> Iterator[Node]:
    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        yield _node(event, events)


def _entries(events: _Events) -> Iterator[Entry]:
    seen: dict[str, Mark] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        if not isinstance(event, yaml.ScalarEvent):
            raise _refused(event, "a list or table cannot be a key", why="keys are plain texts")
        key = _scalar(event)
        if key.plain and key.text == "<<":
            raise _refused(event, "merge keys (<<) are not used in job files", hint="write the keys out")
        if key.text in seen:
            raise _refused(event, f'the key "{key.text}" is here twice', why=f"the first is at {seen[key.text]}")
        seen[key.text] = key.mark
        yield Entry(key, _node(next(events), events))


def _mark(event: yaml.Event) -> Mark:
    assert event.start_mark is not None
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)


def _refused(event: yaml.Event, what: str, *, why: str = "", hint: str = "") -> InvalidSpecError:
    return InvalidSpecError(f"{FILE}:{_mark(event)}: {what}", why=why, hint=hint)
