"""The program `tovi`: the same words as over `ssh`, and the second place that reads the clock."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from tovi_cli.local_streams import LocalStreams, open_file
from tovi_cli.main import make_run_command
from tovi_cli.remote import lasting_manager_over_ssh, manager_over_ssh
from tovi_server.core.errors import ToviError, UsageError

INTERRUPTED = 130
READER_GONE = 141
"""As a program that SIGPIPE ended."""


def main() -> None:
    """Entry point: ends the process with the command's exit status."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line on the server that `--host` or TOVI_HOST names."""
    try:
        return asyncio.run(_run(arguments))
    except ToviError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains when it flushes
        return READER_GONE


async def _run(arguments: Sequence[str]) -> int:
    host, words = _host(arguments)
    if tuple(words) == ("tui",):
        return await _show_screens(host)
    run_command = make_run_command(_now, open_file=open_file)
    async with manager_over_ssh(host) as api:
        return await run_command(api, words, LocalStreams())


async def _show_screens(host: str) -> int:
    from tovi_tui.laptop import run_here  # only this word needs Textual, which takes long to load

    async with lasting_manager_over_ssh(host) as api:
        return await run_here(api)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251  # a composition root


def _host(arguments: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The server, and the words for it."""
    match arguments:
        case ["--host", host, *words]:
            return host, words
        case [first, *words] if first.startswith("--host="):
            return first.removeprefix("--host="), words
    host = os.environ.get("TOVI_HOST", "")
    if not host:
        raise UsageError("which server?", hint="`tovi --host HOST VERB …`, or set TOVI_HOST to what you give to ssh")
    return host, arguments


if __name__ == "__main__":
    main()
