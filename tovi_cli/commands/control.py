"""Acting on jobs: `wait`, `cancel`, `hold`, `release`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated

from cyclopts import Parameter

from tovi_cli.call import Call, Injected
from tovi_cli.following import LARGEST_EXIT, end_with
from tovi_cli.form import Form, Json
from tovi_cli.jobs_table import JOBS
from tovi_cli.output import Column, Listing, show_list
from tovi_cli.references import references
from tovi_cli.selection import EVERYTHING, Selection
from tovi_cli.verb import Verb
from tovi_server.core.durations import parse_duration
from tovi_server.core.errors import UsageError
from tovi_server.core.filters import Page
from tovi_server.core.ids import JobId, Reference
from tovi_server.core.safe import safe_line
from tovi_server.core.views import Controlled

Ids = Annotated[str, Parameter(name="ID", help="A job 12, a stage 12.train or a task 12.train.3.")]
Yes = Annotated[bool, Parameter(name="--yes", help="Really, for all that the filters select.")]
Everybody = Annotated[bool, Parameter(name="--all", help="With filters: others' jobs too, not only yours.")]
Control = Callable[[tuple[Reference, ...]], Awaitable[tuple[Controlled, ...]]]

PIECE = 1000

CONTROLLED: tuple[Column[Controlled], ...] = (
    Column("id", "ID"),
    Column("did", "DID"),
    Column("message", "MESSAGE"),
)


async def wait(*ids: Ids, timeout: str | None = None, any: bool = False, json: Json = False, call: Injected) -> int:
    """Until the jobs have ended; ends with their exit code.

    When the time is over before, the exit code is 124.

    Parameters
    ----------
    timeout
        At most so long: 90s, 30m, 4h.
    any
        Until one has ended.
    """
    if not ids:
        raise UsageError("`wait` lacks an ID", hint="for instance `wait 12`")
    longest = parse_duration(timeout) if timeout else None
    waited = await call.api.wait(references(ids), timeout=longest, any=any)
    if json:
        await show_list(call, Form(json=True), Listing("tovi.jobs/1", "tovi.job/1", waited.items, JOBS, empty=""))
        return min(waited.exit_code, LARGEST_EXIT)
    return await end_with(call, waited, tell_all=any)


async def cancel(
    *ids: Ids,
    selection: Selection = EVERYTHING,
    all: Everybody = False,
    yes: Yes = False,
    json: Json = False,
    call: Injected,
) -> int:
    """End jobs, stages or tasks, whether they wait or run."""
    return await _control(call, json, call.api.cancel, await _targets(call, ids, selection, all=all, yes=yes))


async def hold(
    *ids: Ids,
    selection: Selection = EVERYTHING,
    all: Everybody = False,
    yes: Yes = False,
    json: Json = False,
    call: Injected,
) -> int:
    """Keep what has not started from starting."""
    return await _control(call, json, call.api.hold, await _targets(call, ids, selection, all=all, yes=yes))


async def release(
    *ids: Ids,
    selection: Selection = EVERYTHING,
    all: Everybody = False,
    yes: Yes = False,
    json: Json = False,
    call: Injected,
) -> int:
    """Let what was held start again."""
    return await _control(call, json, call.api.release, await _targets(call, ids, selection, all=all, yes=yes))


async def _control(call: Call, json: bool, control: Control, targets: tuple[Reference, ...]) -> int:
    done = await control(targets) if targets else ()
    if json:
        await show_list(
            call, Form(json=True), Listing("tovi.controlled-list/1", "tovi.controlled/1", done, CONTROLLED, empty="")
        )
        return 0
    await call.put("".join(_line(thing) for thing in done))
    return 0


def _line(thing: Controlled) -> str:
    return safe_line(f"{thing.id} {thing.did}" + (f": {thing.message}" if thing.message else "")) + "\n"


async def _targets(
    call: Call, ids: tuple[str, ...], selection: Selection, *, all: bool, yes: bool
) -> tuple[Reference, ...]:
    filtered = all or selection != EVERYTHING
    if ids and filtered:
        raise UsageError("ids and filters exclude each other")
    if ids:
        return references(ids)
    if not filtered:
        raise UsageError(f"`{call.words[0]}` lacks an ID", hint="ids, or filters such as --name with --yes")
    found = await _selected(call, selection, all=all)
    if found and not yes:
        raise UsageError(f"this is about {_listed(found)}", hint="add --yes to do it")
    if not found:
        await call.say("no jobs are like that")
    return found


async def _selected(call: Call, selection: Selection, *, all: bool) -> tuple[Reference, ...]:
    chosen = replace(selection.filter(), unfinished=True)
    if not all and chosen.user is None:
        chosen = replace(chosen, user=(await call.api.me()).user)
    found = await call.api.jobs(chosen, Page(PIECE))
    if found.next is not None:
        raise UsageError(f"more than {PIECE} jobs are like that", hint="narrow the filters")
    return tuple(Reference(JobId(job.id)) for job in found.items)


def _listed(targets: tuple[Reference, ...]) -> str:
    shown = ", ".join(str(target) for target in targets[:10])
    more = f" and {len(targets) - 10} more" if len(targets) > 10 else ""
    return f"job{'s' if len(targets) > 1 else ''} {shown}{more}"


VERBS = (
    Verb(("wait",), wait, ("ssh {host} wait 12 && echo fine", "ssh {host} wait 12 13 --any --timeout 2h")),
    Verb(
        ("cancel",),
        cancel,
        ("ssh {host} cancel 12", "ssh {host} cancel 12.train.3", "ssh {host} cancel --tag old --yes"),
    ),
    Verb(("hold",), hold, ("ssh {host} hold 12",)),
    Verb(("release",), release, ("ssh {host} release 12",)),
)
