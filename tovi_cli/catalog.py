"""All verbs, in the order in which help lists them."""

from __future__ import annotations

from tovi_cli.commands import about, accounts, cluster, control, logs, projects, queue, results, run, show, submit

VERBS = (
    *submit.VERBS,
    *run.VERBS,
    *queue.VERBS,
    *show.VERBS,
    *logs.VERBS,
    *control.VERBS,
    *results.VERBS,
    *projects.VERBS,
    *cluster.VERBS,
    *accounts.VERBS,
    *about.VERBS,
)
