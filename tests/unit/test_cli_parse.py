"""Words to verbs: what is understood, and what people are told when it is not."""

from __future__ import annotations

import asyncio
import shlex

import pytest

from tests.fakes_manager import NOW, FakeManager, FakeStreams, a_job
from tovi_cli.catalog import VERBS
from tovi_cli.main import make_run_command
from tovi_cli.parse import LONGEST_KEPT, Parser
from tovi_server.core.errors import UsageError

RUN = make_run_command(lambda: NOW)


async def ended(line: str, fake: FakeManager | None = None, **streams: object) -> tuple[int, str, str]:
    seen = FakeStreams(**streams)  # type: ignore[arg-type]  # tests name the fields they set
    status = await RUN(fake or FakeManager(), shlex.split(line), seen)
    return status, seen.stdout, seen.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("qeue", "did you mean `queue`?"),
        ("zzzzz", '"zzzzz" is not a verb'),
        ("project", "`project create`"),
        ("project crate x", "`project create`"),
        ("admin drain n", "`admin user add`"),
        ("queue --stat running", "did you mean --state?"),
        ("queue --state runing", "did you mean running?"),
        ("queue --limit", "a value after --limit"),
        ("queue --limit x", "--limit"),
        ("queue --limit 0", "it is 1 to 10000"),
        ("queue extra", 'does not take "extra"'),
        ("queue --no-all", "no option --no-all"),
        ("queue --fields ,", "names no field"),
        ("queue --limit many", '--limit takes a whole number, and "many" is none'),
        ("run --cpus many -- true", '--cpus takes a number, and "many" is none'),
        ("project", '"project" is only the beginning of a verb'),
        ("project shw lens", "did you mean `project show`?"),
        ("admin user lst", "did you mean `admin user list`?"),
        ("dataset", "there is `dataset show`"),
        ("queue --all --all", "multiple times"),
        ("logs", "lacks ID"),
        ("logs twelve", "is not an id"),
        ("logs 12 --stream x", "out, err and both"),
        ("logs 12 --since yesterday", "is not a time"),
        ("logs 12 --tail -1", "at least 0"),
        ("wait", "lacks an ID"),
        ("wait 12 --timeout soon", "is not a duration"),
        ("cancel", "lacks an ID"),
        ("cancel 12 --name x", "exclude each other"),
        ("rerun 12.main", "whole jobs"),
        ("submit --param lr", "is not name=value"),
        ("submit --param lr=1 --param lr=2", "twice"),
        ("submit tovi.yaml", "submit < tovi.yaml`"),
        ("submit --note a note", "quoted twice"),
        ("submit --key", "a value after --key"),
        ("run echo hi", "after --"),
        ("run echo -- hi", "after --"),
        ("run --", "after --"),
        ("project add lens bob --role boss", "viewer, member and owner"),
        ("project set lens", "changes nothing"),
        ("help qeue", "did you mean `queue`?"),
        ("__complete x", "is not a verb"),
        ("--version", "is not a verb"),
    ],
)
async def test_wrong_words_end_with_2_and_say_what_would_be_right(line: str, said: str) -> None:
    fake = FakeManager()
    status, out, err = await ended(line, fake)
    assert (status, out) == (2, "")
    assert said in err
    assert {"server", "me"} >= {verb for verb, _ in fake.asked}


async def test_after_is_refused_by_name() -> None:
    status, _, err = await ended("submit --after 11")
    assert status == 2
    assert err.startswith("not-yet-supported: --after")


@pytest.mark.parametrize("line", ["submit", "submit -", "check", "compile", "keys add", "admin user add bob"])
async def test_without_a_pipe_nobody_waits_for_a_terminal(line: str) -> None:
    status, _, err = await ended(line, stdin_is_terminal=True)
    assert status == 2
    assert "nothing was piped in" in err
    assert f"… {line.split()[0]} < FILE" in err


@pytest.mark.parametrize(
    "line", ["submit -", "submit", "submit --wait -", "submit - --tag x", "check -", "admin user add bob --key -"]
)
async def test_a_dash_is_standard_input(line: str) -> None:
    fake = FakeManager()
    status, _, _ = await ended(line, fake, typed=(b"ssh-ed25519 AAAA",))
    assert status == 0
    assert fake.received == b"ssh-ed25519 AAAA" or ("add_user", ("bob", "ssh-ed25519 AAAA", False)) in fake.asked


async def test_a_dash_can_be_the_value_of_an_option() -> None:
    fake = FakeManager()
    await ended("submit --note - -", fake)
    assert fake.asked[0][1].note == "-"


async def test_200_commands_at_once_do_not_mix() -> None:
    async def one(number: int) -> None:
        words = ["queue", "--name", f"n{number}", *(["--json"] if number % 2 else ["--fields", "name"])]
        streams, fake = FakeStreams(), FakeManager(job_list=(a_job(number, name=f"n{number}"),))
        assert await RUN(fake, words, streams) == 0
        assert f"n{number}" in streams.stdout
        assert ("{" in streams.stdout) == bool(number % 2)
        assert fake.asked[0][1][0].name == f"n{number}"

    await asyncio.gather(*(one(number) for number in range(1, 201)))


def test_the_same_words_are_parsed_once() -> None:
    parser = Parser(VERBS)
    assert parser.parse(["queue", "--all"]) is parser.parse(["queue", "--all"])


def test_long_command_lines_are_not_kept() -> None:
    parser = Parser(VERBS)
    words = ["jobs", "--name", "x" * LONGEST_KEPT]
    assert parser.parse(words) is not parser.parse(words)


def test_no_words_are_no_verb() -> None:
    with pytest.raises(UsageError, match="no verb"):
        Parser(VERBS).parse([])
