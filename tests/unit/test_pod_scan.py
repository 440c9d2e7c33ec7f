"""The scan of a cluster sees each way in which pods and attempts can fail to fit together."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from k8s.names import FINALIZER
from tests.kube import Thing
from tests.pod_scan import Scan

KEPT: Thing = {"metadata": {"finalizers": [FINALIZER]}}
FREE: Thing = {"metadata": {}}


@pytest.mark.parametrize(
    ("scan", "expected"),
    [
        (Scan({}, set()), []),
        (Scan({"1.main.0/1": KEPT}, {"1.main.0/1"}), []),
        (Scan({}, {"1.main.0/1"}), ["attempt 1.main.0/1 is under way, and has no pod"]),
        (Scan({"1.main.0/1": FREE}, set()), ["attempt 1.main.0/1 is over, and has a pod"]),
        (
            Scan({"1.main.0/1": KEPT}, {"1.main.0/2"}),
            [
                "attempt 1.main.0/1 is over, and has a pod, which our finalizer keeps",
                "attempt 1.main.0/2 is under way, and has no pod",
            ],
        ),
    ],
)
def test_what_does_not_fit_together_is_told(scan: Scan, expected: Sequence[str]) -> None:
    assert scan.problems() == expected
