"""Submitting: `submit`, `check`, `rerun`, `compile`, `schema`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from tovi_cli import output_json
from tovi_cli.call import Call, Injected, JobText
from tovi_cli.following import end_with, follow, told_that_it_goes_on
from tovi_cli.form import TABLE, Form, Json
from tovi_cli.jobs_table import CHECKED
from tovi_cli.output import Document, Listing, show_document, show_list
from tovi_cli.references import job_reference
from tovi_cli.verb import Verb
from tovi_server.api import SubmitOptions
from tovi_server.core.errors import NotYetSupportedError, UsageError
from tovi_server.core.ids import JobId, Reference
from tovi_server.core.schema import schema as job_schema
from tovi_server.core.views import Submitted

File = Annotated[str, Parameter(name="FILE", help="A tovi.yaml or tar archive; `-` is standard input.")]
Params = Annotated[tuple[str, ...], Parameter(name="--param", help="Set a parameter of the file, as name=value.")]
Key = Annotated[str | None, Parameter(name="--key", help="The same key gives the same job: safe to repeat.")]
Tags = Annotated[tuple[str, ...], Parameter(name="--tag", help="A word to find it by; may be given again.")]


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class About:
    """What is said of a job beside its file."""

    project: str | None = None
    """The project it belongs to; otherwise the file's, or your current one."""
    name: str | None = None
    """What it is called in lists."""
    queue: str | None = None
    """The queue to wait in."""
    param: Params = ()
    tag: Tags = ()
    note: str = ""
    """A line for whoever looks at it later."""
    hold: bool = False
    """Do not start before `release`."""
    key: Key = None

    def options(self) -> SubmitOptions:
        """The same for the manager. Raises UsageError."""
        return SubmitOptions(
            project=self.project,
            name=self.name,
            queue=self.queue,
            params=assignments(self.param, "--param"),
            tags=self.tag,
            note=self.note,
            hold=self.hold,
            key=self.key,
        )


NOTHING_SAID = About()


def assignments(texts: Sequence[str], option: str) -> dict[str, str]:
    """Read `name=value` texts. Raises UsageError: one has another form, or a name comes twice."""
    read: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f'"{text}" after {option} is not name=value', hint=f"for instance {option} lr=0.1")
        if name in read:
            raise UsageError(f'{option} gives "{name}" twice')
        read[name] = value
    return read


async def submit(
    file: File = "-",
    /,
    *,
    about: About = NOTHING_SAID,
    after: tuple[str, ...] = (),
    wait: bool = False,
    follow: Annotated[bool, Parameter(alias="-f")] = False,
    json: Json = False,
    call: Injected,
) -> int:
    """Queue a job; its id comes out.

    Standard input is a tovi.yaml, or a tar stream (plain, gzip or zstd) of your code with a tovi.yaml at its top.

    Parameters
    ----------
    after
        Not yet supported.
    wait
        End when the job ends, with its exit code.
    follow
        Show its log after its id, then end with its exit code.
    """
    if after:
        raise NotYetSupportedError("--after is not yet supported", hint="put both into one file as stages with `needs`")
    _demand_one_form(follow, json)
    options, source = about.options(), call.source(file)
    submitted = await call.api.submit(options, source)
    return await conclude(call, submitted, wait=wait, follow_log=follow, json=json)


async def conclude(call: Call, submitted: Submitted, *, wait: bool, follow_log: bool, json: bool) -> int:
    """Tell the id, and wait or show the log as was asked for."""
    for notice in submitted.notices:
        await call.say(notice)
    job = Reference(JobId(submitted.id))
    if not json:
        await call.put(f"{submitted.id}\n")
    async with told_that_it_goes_on(call, job):
        if follow_log:
            await follow(call, job)
        waited = await call.api.wait((job,), timeout=None, any=False) if wait or follow_log else None
    ended = waited.items[0] if waited else None
    await show_document(call, Form(json=json), Document("tovi.submitted/1", submitted, {"job": ended}))
    return await end_with(call, waited) if waited else 0


def _demand_one_form(follow: bool, json: bool) -> None:
    if follow and json:
        raise UsageError("--follow gives a log, not JSON", hint="use --wait with --json")


async def check(file: File = "-", /, *, about: About = NOTHING_SAID, form: Form = TABLE, call: Injected) -> int:
    """What is wrong with a tovi.yaml or archive; keeps nothing."""
    options, source = about.options(), call.source(file)
    checked = await call.api.check(options, source)
    if await show_document(call, form, Document("tovi.checked/1", checked)):
        return 0
    for notice in checked.notices:
        await call.say(notice)
    await show_list(
        call, form, Listing("tovi.stages/1", "tovi.stage/1", checked.stages, CHECKED, empty="it has no stages")
    )
    await call.say(f"{checked.name}: fine, {checked.tasks_total} task{'' if checked.tasks_total == 1 else 's'}")
    return 0


async def rerun(
    job: JobText,
    /,
    *,
    failed: bool = False,
    param: Params = (),
    key: Key = None,
    wait: bool = False,
    follow: Annotated[bool, Parameter(alias="-f")] = False,
    json: Json = False,
    call: Injected,
) -> int:
    """A new job from an old one's frozen code; its id comes out.

    Parameters
    ----------
    failed
        Only the tasks that did not succeed.
    wait
        End when the job ends, with its exit code.
    follow
        Show its log after its id, then end with its exit code.
    """
    _demand_one_form(follow, json)
    old = job_reference(job).job
    submitted = await call.api.rerun(old, failed=failed, params=assignments(param, "--param"), key=key)
    return await conclude(call, submitted, wait=wait, follow_log=follow, json=json)


async def compile_(file: File = "-", /, *, call: Injected) -> int:
    """A tovi.yaml as one POSIX script, to run on your machine."""
    await call.put(await call.api.compile(call.source(file)))
    return 0


async def schema(*, call: Injected) -> int:
    """The JSON Schema of tovi.yaml, for editors."""
    await call.put(output_json.page(output_json.plain(job_schema())))
    return 0


VERBS = (
    Verb(
        ("submit",),
        submit,
        (
            "ssh {host} submit < tovi.yaml",
            "tar c . | ssh {host} submit -",
            "ssh {host} submit --param lr=0.1 --tag paper --follow < tovi.yaml",
        ),
    ),
    Verb(("check",), check, ("ssh {host} check < tovi.yaml",)),
    Verb(("rerun",), rerun, ("ssh {host} rerun 12 --failed", "ssh {host} rerun 12 --param lr=0.01")),
    Verb(("compile",), compile_, ("ssh {host} compile < tovi.yaml | sh",)),
    Verb(("schema",), schema, ("ssh {host} schema > tovi.schema.json",)),
)
