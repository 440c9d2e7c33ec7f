"""What the tests need of the machine: markers say it, here it is looked for, and what was left out is told.

`TOVI_TEST_REQUIRE=openssh,postgres` turns a missing part into failures.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from tests import kube
from tests.parts import PARTS, need, required
from tests.pods import Place

HERE = Path(__file__).parent
NEEDED_IN = {
    "cluster": ("cluster", "openssh"),
    "cluster_faults": ("cluster", "openssh"),
    "integration": ("openssh",),
    "scripts": ("openssh",),
}
"""Whole folders whose tests all need a part."""


hypothesis.settings.register_profile("tovi", deadline=None)
hypothesis.settings.register_profile("fuzz", deadline=None, max_examples=1_000_000)
hypothesis.settings.load_profile("tovi")


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    """Of a real cluster, a namespace and a volume of the module's own, under Tovi's own rights there."""
    need("cluster")
    with kube.place("tovi-test") as made:
        yield made


def pytest_configure(config: pytest.Config) -> None:
    """Whoever runs the tests, they see the same environment: no colours asked for, no session or server of theirs."""
    for name in list(os.environ):
        if _is_personal(name):
            del os.environ[name]


def _is_personal(name: str) -> bool:
    if name.startswith("TOVI_"):
        return not name.startswith(("TOVI_TEST_", "TOVI_UPDATE_"))
    return name.startswith("SSH_") or name in {"NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "COLORTERM"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            for part in NEEDED_IN.get(item.path.relative_to(HERE).parts[0], ()):
                item.add_marker(part)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for name in sorted({mark.name for mark in item.iter_markers()} & PARTS.keys()):
        need(name)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each reason for which tests were left out, and one for each required part that no test knows."""
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    for reason, tests in sorted(reasons.items()):
        terminalreporter.write_line(f"left out: {tests} tests: {reason}", yellow=True)
    for name in sorted(required() - PARTS.keys()):
        terminalreporter.write_line(f'required, but no test needs it: "{name}"', yellow=True)


def _reason(report: pytest.TestReport) -> str:
    assert isinstance(report.longrepr, tuple)
    return str(report.longrepr[2]).removeprefix("Skipped: ")
