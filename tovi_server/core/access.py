"""Who may do what: one function decides for every door."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final


@dataclass(frozen=True, slots=True)
class Caller:
    """Whom an authenticated connection speaks for. Fixed when the door is opened."""

    user: str
    admin: bool = False
    key: str = ""
    """The fingerprint (`SHA256:…`) of the key that authenticated; empty for callers on the server itself."""


class Role(StrEnum):
    """What a member of a project may do."""

    VIEWER = "viewer"
    MEMBER = "member"
    OWNER = "owner"


class Action(StrEnum):
    """What somebody wants to do with a project or something in it."""

    READ = "read"
    """Look at jobs, logs, results and datasets."""
    SUBMIT = "submit"
    """Run jobs."""
    CHANGE_OWN_JOB = "change-own-job"
    CHANGE_ANY_JOB = "change-any-job"
    WRITE_DATA = "write-data"
    MANAGE = "manage"
    """Members, roles, settings of the project."""


class Verdict(IntEnum):
    """ABSENT: answer exactly as if it did not exist."""

    ABSENT = 0
    DENIED = 1
    ALLOWED = 2


_MEMBER_ACTIONS: Final = frozenset({Action.READ, Action.SUBMIT, Action.CHANGE_OWN_JOB, Action.WRITE_DATA})
_ALLOWED: Final = {
    Role.VIEWER: frozenset({Action.READ}),
    Role.MEMBER: _MEMBER_ACTIONS,
    Role.OWNER: frozenset(Action),
}


def decide(action: Action, *, role: Role | None, admin: bool) -> Verdict:
    """What to answer somebody of `role` in the project (None: no member) who wants `action`.

    An admin may manage every project and end every job, and reads what they act on; what else needs a role is
    denied, since they know of it anyway.
    """
    if admin and action in {Action.READ, Action.CHANGE_OWN_JOB, Action.CHANGE_ANY_JOB, Action.MANAGE}:
        return Verdict.ALLOWED
    if role is None:
        return Verdict.DENIED if admin else Verdict.ABSENT
    return Verdict.ALLOWED if action in _ALLOWED[role] else Verdict.DENIED
