"""Help: every verb is there, and what it shows can be typed."""

from __future__ import annotations

import shlex

import pytest

from tests.fakes_manager import NOW, FakeManager, FakeStreams, a_job, a_stage, a_task
from tovi_cli.catalog import VERBS
from tovi_cli.main import make_run_command
from tovi_cli.parse import Parser
from tovi_cli.verb import Verb
from tovi_server.core.views import Details

RUN = make_run_command(lambda: NOW)
EXAMPLES = [example for verb in VERBS for example in verb.examples if "ssh {host}" in example]


async def helped(*words: str) -> str:
    streams = FakeStreams()
    assert await RUN(FakeManager(), words, streams) == 0
    return streams.stdout


@pytest.mark.parametrize("words", [(), ("help",), ("--help",), ("-h",)])
async def test_help_lists_every_verb(words: tuple[str, ...]) -> None:
    text = await helped(*words)
    assert [verb.name for verb in VERBS if f"  {verb.name} " not in text] == []


async def test_help_fits_on_a_terminal() -> None:
    assert [line for line in (await helped("help")).splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.name)
async def test_a_verb_has_a_sentence_and_an_example_with_the_host(verb: Verb) -> None:
    text = await helped("help", *verb.words)
    assert verb.summary.endswith(".")
    assert verb.summary in text
    assert "ssh tovi.cluster " in text


async def test_help_of_a_verb_explains_every_option() -> None:
    parser = Parser(VERBS)
    silent = [
        f"{verb.name} {option.names}"
        for verb in VERBS
        for option in parser.options(verb)
        if option.names.startswith("-") and not option.help
    ]
    assert silent == []


async def test_a_flag_after_the_verb_asks_for_its_help() -> None:
    assert await helped("submit", "--help") == await helped("help", "submit")


async def test_help_of_a_noun_lists_its_verbs() -> None:
    assert "project create" in await helped("help", "project")


@pytest.mark.parametrize("example", EXAMPLES)
async def test_every_example_runs(example: str) -> None:
    command = example.partition("ssh {host} ")[2]
    for end in (" <", " >", " |", " &&"):
        command = command.partition(end)[0]
    streams = FakeStreams(typed=(b"ssh-ed25519 AAAA",))
    fake = FakeManager(details=Details(a_job(stages=(a_stage("train"),)), (a_task(3, "train"),), 0))
    assert await RUN(fake, shlex.split(command), streams) == 0, streams.stderr
