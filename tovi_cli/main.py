"""One command line from its words to its exit status; many run at once in one process."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime

from tovi_cli import help_text
from tovi_cli.call import Call, OpenFile
from tovi_cli.catalog import VERBS
from tovi_cli.form import Form
from tovi_cli.parse import Parsed, Parser
from tovi_server.api import ManagerAPI
from tovi_server.core.errors import ToviError
from tovi_server.streams import RunCommand, Streams


def make_run_command(now: Callable[[], datetime], *, open_file: OpenFile | None = None) -> RunCommand:
    """Build the command tree once, and give the function that runs one command line with it.

    `now` gives the time in UTC. ToviErrors become three lines and an exit status; everything else, such as
    the client's going away, is raised.
    """
    parser = Parser(VERBS)

    async def run_command(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
        call = Call(api=api, streams=streams, now=now(), words=tuple(words), open_file=open_file)
        return await _run(call, parser)

    return run_command


async def _run(call: Call, parser: Parser) -> int:
    try:
        if help_text.is_asked(call.words):
            return await help_text.show(call, parser)
        parsed = parser.parse(call.words)
        _check_form(parsed)
        return await parsed.run(*parsed.args, **parsed.options, call=call)
    except ToviError as error:
        await _report(error, call)
        return error.exit_status


def _check_form(parsed: Parsed) -> None:
    """Before anything is done: its output must be possible. Raises UsageError."""
    form = parsed.options.get("form")
    if isinstance(form, Form):
        form.picked()


async def _report(error: ToviError, call: Call) -> None:
    if not _wants_json(call.words):
        await call.say(str(error))
        return
    document = {
        "schema": "tovi.error/1",
        "code": error.code,
        "what": error.what,
        "why": error.why or None,
        "hint": error.hint or None,
        "exit_status": error.exit_status,
    }
    await call.put(json.dumps(document) + "\n")


def _wants_json(words: Sequence[str]) -> bool:
    options = words[: words.index("--")] if "--" in words else words
    return "--json" in options or "--jsonl" in options
