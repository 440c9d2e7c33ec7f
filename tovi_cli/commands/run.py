"""`run`: a job of one command line, without a file."""

from __future__ import annotations

import json
import shlex
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from tovi_cli.call import Injected
from tovi_cli.following import end_with, follow, told_that_it_goes_on
from tovi_cli.verb import Verb
from tovi_server.api import SubmitOptions
from tovi_server.core.durations import parse_duration
from tovi_server.core.errors import UsageError
from tovi_server.core.ids import JobId, Reference
from tovi_server.core.resources import format_cpus, parse_bytes

Command = Annotated[str, Parameter(name="-- COMMAND", help="The program and its arguments, taken as they are.")]


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Wants:
    """What the command asks for."""

    cpus: float | None = None
    """Cores, e.g. 4 or 0.5."""
    memory: str | None = None
    """With its unit, e.g. 4G."""
    gpus: int | None = None
    """How many."""
    time: str | None = None
    """The time limit, e.g. 1h."""
    image: str | None = None
    """The container image, where containers are used."""


NOTHING_WANTED = Wants()


async def run(
    *command: Command,
    wants: Wants = NOTHING_WANTED,
    name: str | None = None,
    project: str | None = None,
    queue: str | None = None,
    detach: bool = False,
    call: Injected,
) -> int:
    """Run a command, show its output, end with its exit code.

    Parameters
    ----------
    name
        What it is called in lists.
    project
        The project it belongs to.
    queue
        The queue to wait in.
    detach
        Give the job's id at once, and do not follow.
    """
    _demand_dashes(call.words, command)
    _demand_units(wants)
    options = SubmitOptions(project=project, name=name, queue=queue)
    submitted = await call.api.submit(options, _pieces(spec_text(command, wants)))
    for notice in submitted.notices:
        await call.say(notice)
    if detach:
        await call.put(f"{submitted.id}\n")
        return 0
    await call.say(f"job {submitted.id}")
    job = Reference(JobId(submitted.id))
    async with told_that_it_goes_on(call, job):
        await follow(call, job)
        return await end_with(call, await call.api.wait((job,), timeout=None, any=False))


def spec_text(command: Sequence[str], wants: Wants) -> str:
    """A tovi.yaml that runs the command with its arguments quoted as given. JSON strings are YAML, too."""
    lines = [f"run: {json.dumps(shlex.join(command))}"]
    resources = [
        f"{key}: {value}"
        for key, value in (
            ("cpus", None if wants.cpus is None else format_cpus(round(wants.cpus * 1000))),
            ("memory", None if wants.memory is None else json.dumps(wants.memory)),
            ("gpus", wants.gpus),
        )
        if value is not None
    ]
    if resources:
        lines.append(f"resources: {{{', '.join(resources)}}}")
    if wants.time is not None:
        lines.append(f"timeout: {json.dumps(wants.time)}")
    if wants.image is not None:
        lines.append(f"image: {json.dumps(wants.image)}")
    return "\n".join(lines) + "\n"


def _demand_dashes(words: Sequence[str], command: Sequence[str]) -> None:
    """Without `--`, options of the command would be taken for options of `run`."""
    given = tuple(words[words.index("--") + 1 :]) if "--" in words else ()
    if not given or given != tuple(command):
        raise UsageError("`run` lacks its COMMAND after --", hint="for instance `run --cpus 4 -- python train.py`")


def _demand_units(wants: Wants) -> None:
    """Before they become part of a file that nobody wrote. Raises UsageError."""
    if wants.memory is not None:
        parse_bytes(wants.memory)
    if wants.time is not None:
        parse_duration(wants.time)


async def _pieces(text: str) -> AsyncIterator[bytes]:
    yield text.encode()


VERBS = (
    Verb(
        ("run",),
        run,
        ("ssh {host} run -- nvidia-smi", "ssh {host} run --cpus 4 --memory 8G --time 1h -- python3 -c 'print(6*7)'"),
    ),
)
