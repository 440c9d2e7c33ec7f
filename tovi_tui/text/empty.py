"""What a list of jobs says when there is none to show: what to type to fill it."""

from __future__ import annotations

from collections.abc import Sequence

from tovi_server.core.views import ServerInfo
from tovi_tui.text import lines_to_type
from tovi_tui.text.sought import Sought
from tovi_tui.text.span import Line, Span, Tone, line


def no_jobs(sought: Sought, server: ServerInfo) -> Sequence[Line]:
    """As it was looked for."""
    if sought.text:
        return ((), line("  No job is like this: ", Span(sought.text, Tone.BOLD)), (), _key("esc", "drops the filter"))
    if sought.scope.ended:
        return ((), line("  There is no job yet."), (), *_first_steps(server))
    return ((), line("  Nothing waits or runs."), (), *_first_steps(server), (), _key("a", "shows what has ended"))


def _first_steps(server: ServerInfo) -> Sequence[Line]:
    return (
        _step("queue a job    ", lines_to_type.ssh(server, "submit < tovi.yaml")),
        _step("with its code  ", f"tar c . | {lines_to_type.ssh(server, 'submit -')}"),
        _step("upload data    ", lines_to_type.upload(server, "datasets/NAME")),
        _key("4", "           writes a job here"),
    )


def _step(what: str, to_type: str) -> Line:
    return line(Span(f"  {what} ", Tone.DIM), Span(to_type, Tone.BOLD))


def _key(key: str, does: str) -> Line:
    return line("  ", Span(key, Tone.ACCENT), Span(f" {does}", Tone.DIM))
