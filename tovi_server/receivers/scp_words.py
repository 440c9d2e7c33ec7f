"""What `scp` asks of its other end by command line, as `scp -O HOST:PATH` and old programs do, and nothing else."""

from __future__ import annotations

import getopt
from collections.abc import Sequence
from dataclasses import dataclass

from tovi_server.core.errors import UsageError


@dataclass(frozen=True, slots=True)
class ScpCall:
    """`scp -t PATH` takes files in, `scp -f PATH…` gives them out."""

    takes: bool
    paths: tuple[bytes, ...]
    recursive: bool = False
    preserve: bool = False
    """Send times along."""
    into_folder: bool = False
    """The path must be a folder: several things come."""


def read(words: Sequence[str]) -> ScpCall:
    """`words` begin with `scp`.

    Raises:
        UsageError: it is anything but the other end of an scp.
    """
    try:
        options, paths = getopt.getopt(list(words[1:]), "tfrpdvq")
    except getopt.GetoptError as error:
        raise UsageError(f"scp: {error.msg}", why="known are -t -f -r -p -d -v -q") from error
    given = {option for option, _ in options}
    takes = "-t" in given
    if takes == ("-f" in given):
        raise UsageError("scp is what copying programs start here", hint="run it on your side: scp FILE HOST:PATH")
    if not paths or (takes and len(paths) > 1):
        raise UsageError("scp -t takes one path, scp -f at least one")
    return ScpCall(takes, tuple(map(_path, paths)), "-r" in given, "-p" in given, "-d" in given)


def _path(word: str) -> bytes:
    """A shell would have made `~` the folder where sessions start, which is the top here."""
    path = word.encode(errors="surrogateescape")
    return b"/" + path[2:] if path == b"~" or path.startswith(b"~/") else path
