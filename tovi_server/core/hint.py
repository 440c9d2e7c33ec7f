"""What a task's script leaves behind when something else than `run` ended it: a line that refines the end."""

from __future__ import annotations

from dataclasses import replace

from tovi_server.core.events import Exited
from tovi_server.core.reasons import EndReason
from tovi_server.core.safe import safe_line


def explained(exited: Exited, hint: str) -> Exited:
    """The end with the reason that the hint gives: `setup-failed`, or `outputs-missing PATH`; as it was without one.

    Anything may have written it, so it explains ends with an error and nothing else.
    """
    word, _, rest = hint.strip().partition(" ")
    if exited.reason is not EndReason.ERROR:
        return exited
    if word == EndReason.SETUP_FAILED:
        return replace(exited, reason=EndReason.SETUP_FAILED)
    if word == EndReason.OUTPUTS_MISSING:
        return outputs_missing(exited, rest)
    return exited


def outputs_missing(exited: Exited, path: str) -> Exited:
    return replace(exited, reason=EndReason.OUTPUTS_MISSING, message=f"the output {safe_line(path)} is missing")
