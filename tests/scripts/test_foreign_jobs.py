"""Stories of people who ask after jobs that are none of their business: the answer is as if these were not there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.live import Live, live_server
from tests.ssh_edge import Ended
from tests.wire_door import wire
from tovi_server.api import LogOptions, ManagerAPI
from tovi_server.core.errors import NotFoundError
from tovi_server.core.ids import Reference, parse_reference

SECRET = b"name: secret\nrun: echo secret; touch secret.txt\noutputs: [secret.txt]\n"


@dataclass(frozen=True)
class Two:
    """A job that ran and ended, and a number of as many digits that no job has."""

    live: Live
    foreign: str
    absent: str


@pytest.fixture(scope="module")
def two() -> Iterator[Two]:
    """The job is bob's; eve asks. Neither is an admin."""
    with live_server() as live:
        live.add_user("bob")
        live.add_user("eve")
        for _ in range(9):  # so that the number is none of those that answers have anyway
            assert live.ssh("submit", "--hold", user="bob", stdin=SECRET).code == 0
        ended = live.ssh("submit", "--wait", user="bob", stdin=SECRET)
        assert (ended.code, ended.out) == (0, b"10\n"), ended
        yield Two(live, "10", "77")


VERBS = (
    *("show {}", "show {} --files", "show {} --json", "show {}.main", "show {}.nope", "show {}.main.0"),
    *("show {}.main.0/1", "show {}.main.7/9", "why {}", "why {}.main.0", "logs {}", "logs {}.main.0 --attempt 1"),
    *("logs -f {}", "logs {} --jsonl", "events {}", "events {}.main.0", "events {} --jsonl", "events -f {}"),
    *("metrics {}", "metrics {} --json", "outputs {}", "outputs {}.main", "wait {}", "wait {} --timeout 1s --json"),
    *("cancel {}", "cancel {}.main.0", "cancel {} --json", "hold {}", "release {}", "rerun {}", "rerun {} --failed"),
    "rerun {} --param a=1",
)


def answers(two: Two, ask: Callable[[str], Ended]) -> tuple[Ended, Ended]:
    """About the job and about the number without one, each with its own number taken out."""
    return _plain(ask(two.foreign), two.foreign), _plain(ask(two.absent), two.absent)


def _plain(ended: Ended, job: str) -> Ended:
    number = job.encode()
    return Ended(ended.code, ended.out.replace(number, b"N"), ended.err.replace(number, b"N"))


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_answers_as_if_it_were_not_there(two: Two, verb: str) -> None:
    foreign, absent = answers(two, lambda job: two.live.ssh(verb.format(job), user="eve"))

    assert foreign == absent
    assert foreign.code == 3
    assert b"not-found" in foreign.err + foreign.out


def test_it_is_in_no_list_of_what_one_sees(two: Two) -> None:
    for verb in ("queue", "jobs", "events --jsonl", "datasets", "projects"):
        ended = two.live.ssh(verb, user="eve")

        assert ended.code == 0
        assert b"secret" not in ended.out
        assert b"bob" not in ended.out


def test_of_a_foreign_job_everybody_sees_who_and_how_much_and_not_what(two: Two) -> None:
    job = two.live.json("jobs", "--all", user="eve")["items"][0]

    assert (job["id"], job["user"], job["state"]) == (int(two.foreign), "bob", "succeeded")
    assert (job["name"], job["note"], job["tags"], job["spec"], job["snapshot"]) == ("", "", [], None, None)


@pytest.mark.parametrize(
    "place", ["jobs/{}", "/jobs/{}/stdout.log", "/projects/bob/jobs/{}", "jobs/{}/outputs/secret.txt"]
)
@pytest.mark.parametrize("mode", ["-s", "-O"])
def test_its_files_are_not_there(two: Two, place: str, mode: str) -> None:
    foreign, absent = answers(
        two, lambda job: two.live.scp(mode, "-r", f"tovi:{place.format(job)}", "/dev/null", user="eve")
    )

    assert foreign == absent
    assert foreign.code != 0


@pytest.mark.parametrize("place", ["jobs/{}", "/projects/bob/jobs/{}", "/projects/bob"])
def test_nothing_can_be_put_or_found_there(two: Two, place: str) -> None:
    for command in (
        "ls {}",
        "cd {}",
        "rm {}/x",
        "mkdir {}/x",
        "put /dev/null {}/x",
        "ln -s x {}/x",
        "rename {}/a {}/b",
    ):
        batch = command.replace("{}", place)
        foreign, absent = answers(two, lambda job, batch=batch: two.live.sftp(batch.format(job, job), user="eve"))

        assert foreign == absent, command
        assert foreign.code != 0


async def _first(items: AsyncIterator[object]) -> object:
    return await anext(items)


Ask = Callable[[ManagerAPI, Reference], Awaitable[Any]]

CALLS: dict[str, Ask] = {
    "show": lambda api, it: api.show(it, files=True),
    "why": lambda api, it: api.why(it),
    "logs": lambda api, it: _first(api.logs(it, LogOptions())),
    "followed logs": lambda api, it: _first(api.logs(it, LogOptions(follow=True))),
    "events": lambda api, it: _first(api.events(it, follow=False)),
    "followed events": lambda api, it: _first(api.events(it, follow=True)),
    "metrics": lambda api, it: api.metrics(it),
    "outputs": lambda api, it: api.outputs(it),
    "wait": lambda api, it: api.wait((it,), timeout=None, any=False),
    "wait for any": lambda api, it: api.wait((it,), timeout=None, any=True),
    "cancel": lambda api, it: api.cancel((it,)),
    "hold": lambda api, it: api.hold((it,)),
    "release": lambda api, it: api.release((it,)),
    "rerun": lambda api, it: api.rerun(it.job, failed=False, params={}),
    "rerun what failed": lambda api, it: api.rerun(it.job, failed=True, params={}),
}


async def test_the_wire_tells_no_more_than_the_command_line(two: Two) -> None:
    async with asyncio.timeout(60), wire(two.live, "eve") as api:
        for name, ask in CALLS.items():
            for part in ("", ".main", ".main.0", ".main.0/1", ".nope"):
                foreign = await _refused(api, ask, two.foreign, part)
                absent = await _refused(api, ask, two.absent, part)

                assert foreign == absent, (name, part)


async def _refused(api: ManagerAPI, ask: Ask, job: str, part: str) -> tuple[str, str, str]:
    with pytest.raises(NotFoundError) as caught:
        await ask(api, parse_reference(job + part))
    error = caught.value
    return error.what.replace(job, "N"), error.why.replace(job, "N"), error.hint.replace(job, "N")


async def test_one_foreign_job_among_ones_own_changes_none(two: Two) -> None:
    own = int(two.live.ssh("submit", "--hold", user="eve", stdin=b"run: true\n").out)

    ended = two.live.ssh("cancel", str(own), two.foreign, user="eve")

    assert ended.code == 3
    assert two.live.json("show", str(own), user="eve")["state"] == "queued"
