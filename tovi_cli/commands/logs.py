"""Streams: `logs` and `events`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from cyclopts import Parameter

from tovi_cli.call import Call, Id, Injected
from tovi_cli.events_text import event_line
from tovi_cli.form import TABLE, Form
from tovi_cli.log_output import LogForm, show_log
from tovi_cli.look import look_of
from tovi_cli.output import Listing, json_line, show_list
from tovi_cli.verb import Verb
from tovi_server.api import LogOptions
from tovi_server.core.closing import closed_after
from tovi_server.core.errors import UsageError
from tovi_server.core.ids import parse_reference
from tovi_server.core.views import EventView

Follow = Annotated[bool, Parameter(name="--follow", alias="-f", help="Keep on until nothing more can come.")]

STREAMS = ("out", "err", "both")


async def logs(
    reference: Id,
    /,
    *,
    follow: Follow = False,
    stream: str = "both",
    attempt: int | None = None,
    tail: int | None = None,
    since: str | None = None,
    timestamps: bool = False,
    jsonl: bool = False,
    call: Injected,
) -> int:
    """What its program printed.

    Of one task these are the bytes as they are, of several the lines, each with the task before it.

    Parameters
    ----------
    stream
        out, err or both.
    attempt
        Of this try; otherwise of the newest.
    tail
        Only the last lines.
    since
        Only what was printed since: 10m (ago), 2026-01-31 or 2026-01-31T14:05.
    timestamps
        The time before each line, to a second.
    jsonl
        A JSON document a line.
    """
    wanted = parse_reference(reference)
    options = LogOptions(
        follow=follow,
        stream=_stream(stream),
        attempt=_counted(attempt or wanted.attempt, "--attempt", least=1),
        tail=_counted(tail, "--tail", least=0),
        since=look_of(call).moment(since) if since else None,
    )
    await show_log(call, wanted, options, LogForm(timestamps=timestamps, jsonl=jsonl))
    return 0


def _stream(word: str) -> str:
    if word not in STREAMS:
        raise UsageError(f'"{word}" is not a stream', why="the streams are out, err and both")
    return word


def _counted(number: int | None, option: str, *, least: int) -> int | None:
    if number is not None and number < least:
        raise UsageError(f"{option} {number} is too small", why=f"it is at least {least}")
    return number


async def events(
    reference: Annotated[str | None, Parameter(name="ID", help="Only of this job or part of it.")] = None,
    /,
    *,
    follow: Follow = False,
    after: int = 0,
    form: Form = TABLE,
    call: Injected,
) -> int:
    """What happened, in order.

    Parameters
    ----------
    after
        Only those with a larger `seq`.
    """
    if form.json and follow:
        raise UsageError("--json is one document, and following never ends", hint="use --jsonl")
    picked, look = form.picked(), look_of(call)
    wanted = parse_reference(reference) if reference else None
    stream = call.api.events(wanted, follow=follow, after=after)
    if form.json:
        return await _collected(call, form, stream)
    async with closed_after(stream):
        async for event in stream:
            text = json_line(event, "tovi.event/1", picked) if form.jsonl else event_line(event, look, picked)
            await call.put(text)
    return 0


async def _collected(call: Call, form: Form, stream: AsyncIterator[EventView]) -> int:
    items = [event async for event in stream]
    await show_list(call, form, Listing("tovi.events/1", "tovi.event/1", items, (), empty=""))
    return 0


VERBS = (
    Verb(
        ("logs",),
        logs,
        ("ssh {host} logs -f 12 | grep loss", "ssh {host} logs 12.train.3 --tail 20", "ssh {host} logs 12 --since 10m"),
    ),
    Verb(("events",), events, ("ssh {host} events -f", "ssh {host} events 12 --jsonl")),
)
