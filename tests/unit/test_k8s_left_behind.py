"""What a task's container leaves as its last message: written by the script, or by whatever the task ran."""

from __future__ import annotations

import pytest

from k8s.ended import Ended
from k8s.pods import Pod
from k8s.status import read
from tovi_server.core.events import Exited, Usage
from tovi_server.core.ids import AttemptId, JobId, TaskId
from tovi_server.core.reasons import EndReason
from tovi_server.core.resources import Resources

ATTEMPT = AttemptId(TaskId(JobId(1), "main", 0), 1)


def ended_with(message: str) -> Exited:
    """The report of a program that failed and left this message."""
    times = {"startedAt": "2026-11-26T10:00:00Z", "finishedAt": "2026-11-26T10:00:05Z"}
    terminated = {"exitCode": 1, "reason": "Error", "message": message, **times}
    raw = {
        "metadata": {"creationTimestamp": "2026-11-26T09:59:59Z"},
        "status": {"phase": "Failed", "containerStatuses": [{"state": {"terminated": terminated}}]},
    }
    found = read(Pod("tovi", "pod", "uid", "node1", Resources(), {}, True, "label", raw), ATTEMPT)
    assert isinstance(found, Ended)
    assert isinstance(found.report, Exited)
    return found.report


def test_it_tells_what_was_used_and_why_it_ended() -> None:
    report = ended_with("setup-failed\nused 1500000 4096\n")

    assert (report.reason, report.usage) == (EndReason.SETUP_FAILED, Usage(1.5, 4096))


@pytest.mark.parametrize("lie", ["used -1 -1", "used 1e9 x", "used ² ²", f"used {'9' * 400} {'9' * 400}", "used  "])
def test_what_is_no_amount_is_no_usage(lie: str) -> None:
    report = ended_with(f"{lie}\n")

    assert (report.reason, report.usage) == (EndReason.ERROR, Usage())
