"""Where every verb hands its result: a table, one document, or a document a line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from tovi_cli import output_json
from tovi_cli.call import Call
from tovi_cli.fields import text_of, value_of
from tovi_cli.form import Form
from tovi_cli.look import look_of
from tovi_cli.output_json import Json
from tovi_cli.output_table import Cell, layout
from tovi_server.core.look import Look
from tovi_server.core.safe import safe_line

T = TypeVar("T")

BATCH = 200
"""Rows made in one go; then others have their turn."""


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """A column of a table: the field it is picked by, and how it is written."""

    key: str
    header: str
    text: Callable[[T, Look], str] | None = None
    """None: the field's value, as its name says."""
    colour: Callable[[T], str] | None = None

    def cell(self, item: T, look: Look) -> Cell:
        text = text_of(value_of(item, self.key), self.key, look) if self.text is None else self.text(item, look)
        return Cell(safe_line(text), self.colour(item) if self.colour and look.colour else "")


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """A list ready to be shown; `next` is where its next piece begins, `empty` is said when there is nothing."""

    schema: str
    """The name of the list, e.g. `tovi.jobs/1`; a line of it is of `item_schema`."""
    item_schema: str
    items: Sequence[T]
    columns: Sequence[Column[T]]
    empty: str
    next: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One thing ready to be shown: a view, and what else its document holds."""

    schema: str
    view: object
    more: Mapping[str, object] = field(default_factory=dict)

    def json(self, paths: Sequence[str] | None) -> Json:
        """Everything with its schema, or only the picked fields. Raises UsageError: there is no such field."""
        if paths is not None:
            return {"schema": self.schema, **{path: output_json.plain(self.value(path)) for path in paths}}
        body = output_json.plain(self.view)
        assert isinstance(body, dict), "views are objects"
        more = {name: output_json.plain(value) for name, value in self.more.items()}
        return {"schema": self.schema, **body, **more}

    def value(self, path: str) -> object:
        """What is at `path`. Raises UsageError: there is no such field."""
        return self.more[path] if path in self.more else value_of(self.view, path)


async def show_list(call: Call, form: Form, listing: Listing[T]) -> None:
    """Write a list in the form that was asked for."""
    picked = form.picked()
    if form.json:
        await _json(call, listing, picked)
    elif form.jsonl:
        for batch in _batches(listing.items):
            await _batch(call, "".join(json_line(item, listing.item_schema, picked) for item in batch))
    else:
        await _table(call, listing, picked)
    if not listing.items and not (form.json or form.jsonl):
        await call.say(listing.empty)


async def show_document(call: Call, form: Form, document: Document) -> bool:
    """Write one thing as a document; False when a text for people is wanted instead."""
    picked = form.picked()
    if form.json:
        await call.put(output_json.page(document.json(picked)))
    elif form.jsonl:
        await call.put(output_json.line(document.json(picked)) + "\n")
    elif picked:
        look = look_of(call)
        await call.put("  ".join(text_of(document.value(path), path, look) for path in picked) + "\n")
    return form.json or form.jsonl or bool(picked)


def json_line(view: object, schema: str, picked: Sequence[str] | None) -> str:
    """One line of a stream of documents."""
    return output_json.line(Document(schema, view).json(picked)) + "\n"


async def _json(call: Call, listing: Listing[T], picked: Sequence[str] | None) -> None:
    await call.put(f'{{"schema": "{listing.schema}", "items": [')
    comma = "\n"
    for batch in _batches(listing.items):
        texts = (output_json.line(_picked(item, picked)) for item in batch)
        await _batch(call, comma + ",\n".join(texts))
        comma = ",\n"
    await call.put(f'{"" if comma == chr(10) else chr(10)}], "next": {output_json.line(listing.next)}}}\n')


def _picked(view: object, paths: Sequence[str] | None) -> Json:
    if paths is None:
        return output_json.plain(view)
    return {path: output_json.plain(value_of(view, path)) for path in paths}


async def _table(call: Call, listing: Listing[T], picked: Sequence[str] | None) -> None:
    if not listing.items:
        return
    look = look_of(call)
    columns = listing.columns if picked is None else [_column(path, listing.columns) for path in picked]
    rows: list[list[Cell]] = []
    for batch in _batches(listing.items):
        rows.extend([column.cell(item, look) for column in columns] for item in batch)
        await asyncio.sleep(0)
    lines = layout([column.header for column in columns], rows, columns=look.columns, colour=look.colour)
    for part in _batches(lines):
        await _batch(call, "".join(f"{line}\n" for line in part))


def _column(path: str, columns: Sequence[Column[T]]) -> Column[T]:
    known = {column.key: column for column in columns}
    return known.get(path) or Column(path, path.rpartition(".")[2].upper().replace("_", " "))


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]


async def _batch(call: Call, text: str) -> None:
    await call.put(text)
    await asyncio.sleep(0)
