"""Writes those parts of the pages that are made from the code: `make docs`. A test checks that they are current.

A page says where: between `<!-- made: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from tovi_cli.catalog import VERBS
from tovi_cli.parse import Parser
from tovi_cli.verb import Verb
from tovi_server.core.durations import format_duration
from tovi_server.core.errors import ToviError
from tovi_server.core.setting import Amount
from tovi_server.core.states import FINAL, TRANSITIONS, TaskState
from tovi_server.settings import Settings

PAGES: Final = Path(__file__).parent
PACKAGES: Final = ("tovi_server", "tovi_cli", "scheduler")
PLACE: Final = re.compile(r"(<!-- made: ([a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def renewed(page: str) -> str:
    """The page with its made parts made again."""
    return PLACE.sub(lambda place: f"{place[1]}{MADE[place[2]]()}{place[3]}", page)


def diagram() -> str:
    """The transition table as a picture; events that leave a task where it is are not in it."""
    lines = ["    [*] --> waiting: some of its needs are unfinished", "    [*] --> queued: nothing to wait for"]
    for state, row in TRANSITIONS.items():
        arrows: dict[TaskState, list[str]] = {}
        for kind, after in row.items():
            if after is not state:
                arrows.setdefault(after, []).append(kind.value)
        lines += [f"    {state} --> {after}: {', '.join(kinds)}" for after, kinds in arrows.items()]
    lines += [f"    {state} --> [*]" for state in TaskState if state in FINAL]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```", ""])


def staying() -> str:
    """The events that the diagram leaves out."""
    return _table(
        ("state", "these happen, and it stays"),
        (
            (f"`{state}`", ", ".join(f"`{kind}`" for kind, after in row.items() if after is state) or "nothing")
            for state, row in TRANSITIONS.items()
        ),
    )


def commands() -> str:
    parser = Parser(VERBS)
    return "\n".join(_command(verb, parser) for verb in VERBS)


def _command(verb: Verb, parser: Parser) -> str:
    options = sorted(parser.options(verb), key=lambda option: option.usage.startswith("[-- "))
    usage = " ".join([f"ssh tovi {verb.name}", *(option.usage for option in options)])
    about = inspect.cleandoc((verb.run.__doc__ or "").partition("Parameters\n")[0]).strip()
    lines = [f"### {verb.name}", "", about, "", "```", usage, "```", ""]
    if options:
        lines += [_table(("", ""), ((f"`{option.names}`", option.help) for option in options))]
    lines += ["For example:", "", "```", *(example.format(host="tovi") for example in verb.examples), "```", ""]
    return "\n".join(lines)


def errors() -> str:
    found = sorted(error_types(), key=lambda error: (error.exit_status, error.code))
    return _table(
        ("code", "exit status", "meaning"),
        ((f"`{error.code}`", str(error.exit_status), _sentence(error.__doc__)) for error in found),
    )


def error_types() -> set[type[ToviError]]:
    """Every kind of error with a code of its own, wherever it is defined; not the one that stands for the rest."""
    for name in PACKAGES:
        for module in pkgutil.walk_packages(importlib.import_module(name).__path__, f"{name}."):
            if not module.name.endswith(("__main__", "migrations.env")):
                importlib.import_module(module.name)
    return {error for error in _below(ToviError) if "code" in vars(error)}


def _below(kind: type[ToviError]) -> Iterator[type[ToviError]]:
    for below in kind.__subclasses__():
        yield below
        yield from _below(below)


def settings() -> str:
    return "\n".join(_sections(Settings, ""))


def _sections(section: type[BaseModel], path: str) -> Iterator[str]:
    rows = []
    inner: dict[str, type[BaseModel]] = {}
    for name, field in section.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            inner[f"{path}.{name}".strip(".")] = field.annotation
        else:
            is_amount = Amount.__metadata__[0] in field.metadata  # type: ignore[attr-defined]  # of Annotated
            rows.append((f"`{name}`", f"`{_value(field.default, is_amount)}`", _sentence(field.description)))
    if rows:
        yield "\n".join([f"### [{path}]", "", _sentence(section.__doc__), "", _table(("name", "default", ""), rows)])
    for below, kind in inner.items():
        yield from _sections(kind, below)


def _value(value: object, is_amount: bool) -> str:
    """A default as it is written in tovi.toml."""
    match value:
        case None:
            return "not set"
        case timedelta():
            return f'"{format_duration(value)}"'
        case Enum():
            return f'"{value.value}"'
        case tuple():
            return f"[{', '.join(_value(one, is_amount) for one in value)}]"
        case int() if is_amount:
            return f'"{_amount(value)}"'
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case _:
            return str(value)


def _amount(size: int) -> str:
    for unit in ("", "K", "M", "G"):
        if size % 1024 or unit == "G":
            return f"{size}{unit}"
        size //= 1024
    raise AssertionError


def _sentence(docstring: str | None) -> str:
    """The first paragraph, in one line."""
    return " ".join((docstring or "").strip().partition("\n\n")[0].split())


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, ("---",) * len(header), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines) + "\n"


MADE: Final[Mapping[str, Callable[[], str]]] = {
    "diagram": diagram,
    "staying": staying,
    "commands": commands,
    "errors": errors,
    "settings": settings,
}


def main() -> None:
    for path in PAGES.rglob("*.md"):
        page = path.read_text()
        if renewed(page) != page:
            path.write_text(renewed(page))


if __name__ == "__main__":
    main()
