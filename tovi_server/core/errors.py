"""Everything that can go wrong by a person's doing or by the world's, as one tree.

Each error has a stable `code`, says `what` is wrong, `why`, and with `hint` a way out, and knows the exit
status that a command ends with. A bug of Tovi is never one of these.
"""

from __future__ import annotations

from typing import ClassVar

from tovi_server.core.safe import safe_line


class ToviError(Exception):
    """What a person is told in three lines. Texts are made safe here, once: for a terminal, and each for its line."""

    code: ClassVar[str] = "failed"
    exit_status: ClassVar[int] = 1

    def __init__(self, what: str, *, why: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = safe_line(what)
        self.why = safe_line(why)
        self.hint = safe_line(hint)

    @property
    def in_one_line(self) -> str:
        """What, and why."""
        return f"{self.what}: {self.why}" if self.why else self.what

    def __str__(self) -> str:
        lines = [f"{self.code}: {self.what}"]
        if self.why:
            lines.append(f"  why:  {self.why}")
        if self.hint:
            lines.append(f"  hint: {self.hint}")
        return "\n".join(lines)


class UsageError(ToviError):
    """The words of a command are wrong."""

    code = "usage"
    exit_status = 2


class InvalidSpecError(ToviError):
    """A tovi.yaml that cannot be accepted; `what` names the field, and line and column where known."""

    code = "invalid-spec"
    exit_status = 2


class NotYetSupportedError(InvalidSpecError):
    """A key of the job language that this version knows by name but cannot do."""

    code = "not-yet-supported"


class InvalidArchiveError(ToviError):
    """A tar stream that is empty, truncated, hostile or without a tovi.yaml."""

    code = "invalid-archive"
    exit_status = 2


class NeverFitsError(ToviError):
    """A request that no machine of this cluster could ever meet."""

    code = "never-fits"
    exit_status = 5


class NotFoundError(ToviError):
    """It does not exist, or the caller may not know that it does."""

    code = "not-found"
    exit_status = 3


class DeniedError(ToviError):
    """The caller may know of it, but not do this to it."""

    code = "denied"
    exit_status = 4


class ConflictError(ToviError):
    """It contradicts what is there: a name already taken, a job already ended."""

    code = "conflict"
    exit_status = 5


class QuotaExceededError(ToviError):
    """A limit on size or number is reached; the text gives limit and use."""

    code = "quota-exceeded"
    exit_status = 5


class UnavailableError(ToviError):
    """The server cannot do it now; trying again later may work."""

    code = "unavailable"
    exit_status = 6


class WaitTimeoutError(ToviError):
    """The time that the caller wanted to wait is over."""

    code = "timeout"
    exit_status = 124


class InvariantError(Exception):
    """A bug of Tovi: something that the rules say cannot be."""


class LeaseLostError(Exception):
    """Another scheduler took over from this one: its process must write no more, and end."""
