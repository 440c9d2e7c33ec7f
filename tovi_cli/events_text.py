"""One event as a line for people."""

from __future__ import annotations

from collections.abc import Sequence

from tovi_cli.fields import text_of, value_of
from tovi_server.core.look import Look
from tovi_server.core.safe import safe_line
from tovi_server.core.views import EventView


def event_line(event: EventView, look: Look, picked: Sequence[str] | None) -> str:
    """When, what, which, and by whom; or only the picked fields."""
    if picked is not None:
        return "  ".join(text_of(value_of(event, path), path, look) for path in picked) + "\n"
    said = " ".join(f"{name}={value}" for name, value in event.data.items() if value not in {None, ""})
    by = f"by {event.user}" if event.user else ""
    parts = (look.exact(event.at), f"{event.kind:<16}", f"{subject(event):<16}", by, said)
    return safe_line("  ".join(part for part in parts if part)).rstrip() + "\n"


def subject(event: EventView) -> str:
    """The id of what it happened to."""
    text = str(event.job)
    if event.stage is not None:
        text += f".{event.stage}"
    if event.index is not None:
        text += f".{event.index}"
    if event.attempt is not None:
        text += f"/{event.attempt}"
    return text
