"""Tests whose parts are missing are left out and told of, or fail where the part is required."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run_without_ssh(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/contract/test_manager_api_over_ssh.py"],
        cwd=ROOT,
        env={"PATH": str(tmp_path), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_missing_part_is_one_line_that_says_how_to_get_it(tmp_path: Path) -> None:
    ran = run_without_ssh(tmp_path)
    assert ran.returncode == 0
    line = "left out: 1 tests: openssh is not here: ssh, scp, sftp, ssh-keygen; apt-get install openssh-client"
    assert ran.stdout.splitlines().count(line) == 1


def test_a_missing_part_that_is_required_fails(tmp_path: Path) -> None:
    ran = run_without_ssh(tmp_path, TOVI_TEST_REQUIRE="postgres, openssh")
    assert ran.returncode == 1
    assert "openssh is required, and not here" in ran.stdout


def test_a_required_part_that_no_test_knows_is_told(tmp_path: Path) -> None:
    assert 'required, but no test needs it: "opensh"' in run_without_ssh(tmp_path, TOVI_TEST_REQUIRE="opensh").stdout


@pytest.mark.parametrize("name", ["NO_COLOR", "SSH_AUTH_SOCK", "TOVI_HOST", "TOVI_SERVER__NAME"])
def test_what_is_personal_does_not_reach_the_tests(tmp_path: Path, name: str) -> None:
    probe = tmp_path / "test_probe.py"
    probe.write_text(f"import os\n\n\ndef test_it() -> None:\n    assert {name!r} not in os.environ\n")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-c", "pyproject.toml", probe],
        cwd=ROOT,
        env={**os.environ, name: "1"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stdout
