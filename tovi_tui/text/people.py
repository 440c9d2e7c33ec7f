"""Users, keys and projects as rows of tables, and one of them in whole lines."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tovi_server.core.look import Look
from tovi_server.core.views import KeyView, ProjectView, UserView
from tovi_tui.text.columns import Column
from tovi_tui.text.span import Line, Span, Tone, line


def key_name(key: KeyView) -> str:
    """By which people know it."""
    return f"{key.fingerprint} {key.comment}".rstrip()


def key_in(text: str) -> str:
    """A pasted key in short: its kind and its comment, without the long middle."""
    kind, _, rest = text.strip().partition(" ")
    body, _, comment = rest.partition(" ")
    return f"{kind} …{body[-12:]} {comment}".rstrip()


def user_details(user: UserView, look: Look) -> list[Line]:
    """All its keys."""
    return [_title(user.name, "keys"), *(_key(key, look) for key in user.keys)]


def key_details(key: KeyView) -> list[Line]:
    """The whole key."""
    return [_title(key.comment or key.fingerprint, "the whole key"), line(f"  {key.line}")]


def project_details(project: ProjectView) -> list[Line]:
    """Its members."""
    members = [line("  ", Span(f"{one.user:<20}", Tone.PLAIN), Span(one.role, Tone.DIM)) for one in project.members]
    note = [line(Span(f"  {text}", Tone.DIM)) for text in project.note.splitlines()]
    return [_title(project.name, "members"), *members, *note]


def _title(name: str, of: str) -> Line:
    return line(Span(name, Tone.BOLD), Span(f" · {of}", Tone.DIM))


def _key(key: KeyView, look: Look) -> Line:
    used = f"used {look.when(key.used_at)}" if key.used_at else "never used"
    return line(f"  {key_name(key)}", Span(f" · {used}", Tone.DIM), *_flags([("this session", key.current)]))


def _flags(flags: Iterable[tuple[str, bool]]) -> Line:
    return tuple(Span(f"  {word}", Tone.ACCENT) for word, holds in flags if holds)


def _user_is(user: UserView) -> Line:
    if user.disabled:
        return line(Span("⊘ disabled", Tone.DIM))
    return line(Span("admin", Tone.ACCENT) if user.admin else "")


def _project_is(project: ProjectView) -> Line:
    if project.archived:
        return line(Span("⊘ archived", Tone.DIM))
    return line(Span("current", Tone.ACCENT) if project.current else "")


def _owners(project: ProjectView) -> str:
    return ", ".join(member.user for member in project.members if member.role == "owner")


USERS: Final[tuple[Column[UserView], ...]] = (
    Column("user", "USER", lambda user, look: line(user.name), 12, grow=1),
    Column("is", "IS", lambda user, look: _user_is(user), 10),
    Column("keys", "KEYS", lambda user, look: line(str(len(user.keys))), 4, right=True),
    Column("since", "SINCE", lambda user, look: line(look.when(user.created_at)), 10, drop=1),
)
KEYS: Final[tuple[Column[KeyView], ...]] = (
    Column("comment", "KEY", lambda key, look: line(key.comment), 16, grow=1),
    Column("fingerprint", "FINGERPRINT", lambda key, look: line(Span(key.fingerprint, Tone.DIM)), 20, grow=2),
    Column("is", "IS", lambda key, look: _flags([("this session", key.current)]), 14),
    Column("used", "USED", lambda key, look: line(look.when(key.used_at)), 10, drop=1),
)
PROJECTS: Final[tuple[Column[ProjectView], ...]] = (
    Column("project", "PROJECT", lambda project, look: line(project.name), 14, grow=1),
    Column("is", "IS", lambda project, look: _project_is(project), 10),
    Column("role", "MY ROLE", lambda project, look: line(project.role or Span("none", Tone.DIM)), 8),
    Column("members", "MEMBERS", lambda project, look: line(str(len(project.members))), 7, right=True),
    Column("owners", "OWNERS", lambda project, look: line(_owners(project)), 12, grow=1, drop=1),
    Column("note", "NOTE", lambda project, look: line(Span(project.note, Tone.DIM)), 10, grow=1, drop=2),
)
