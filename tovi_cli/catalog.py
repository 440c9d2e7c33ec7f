"""All verbs, in the order in which help lists them."""

from __future__ import annotations

from tovi_cli.commands import about, control, logs, queue, show, submit

VERBS = (
    *submit.VERBS,
    *queue.VERBS,
    *show.VERBS,
    *logs.VERBS,
    *control.VERBS,
    *about.VERBS,
)
