"""Every example does what its README says, on a real server; and leaves the same things on a laptop."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.live import Live, live_server
from tests.transcripts import Played, play

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.parent.name for path in EXAMPLES.glob("*/tovi.yaml"))
NOT_LEFT_BY_TASKS = ("tovi.yaml", "manifest.json", "script.sh")

Left = Mapping[str, object]
"""What lies at each path beneath a folder: text, numbers, or None for a folder."""


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with live_server() as server:
        yield server


@pytest.fixture(scope="module", params=NAMES)
def example(live: Live, request: pytest.FixtureRequest) -> Path:
    """A copy of the folder, with nothing in it that is not part of the example."""
    name = str(request.param)
    copy = live.folder / name
    shutil.copytree(EXAMPLES / name, copy, ignore=shutil.ignore_patterns("tovi-out", "__pycache__"))
    return copy


@pytest.fixture(scope="module")
def played(live: Live, example: Path) -> Played:
    return play((example / "README.md").read_text(), lambda line: live.shell(line, folder=example))


def test_what_the_readme_says_comes_back(played: Played) -> None:
    assert "\n".join(played.otherwise) == ""


def test_a_laptop_is_left_with_the_same_results(live: Live, example: Path, played: Played, tmp_path: Path) -> None:
    fetched = live.scp("-r", f"tovi:jobs/{played.job}", str(tmp_path / "job"))

    assert fetched.code == 0, fetched
    assert _left_by_server(tmp_path / "job", played.job) == _left_by_laptop(example / "tovi-out")


def _left_by_server(job: Path, number: int) -> Left:
    """A task's name, where it is told, has the job's number in it, which is 0 on a laptop."""
    told = re.compile(rf"\b{number}\.(?=[a-z])")
    left = _without_what_never_ran(_left(job))
    return {path: told.sub("0.", found) if isinstance(found, str) else found for path, found in left.items()}


def _without_what_never_ran(left: Left) -> Left:
    """A node of a cluster may refuse a task that another user was faster with: then it has one attempt more."""
    tried = {path for path in left if path.rpartition("/")[2] == "attempts"}
    once = tuple(f"{path}/" for path in tried if _ran_once(left, path))
    return {path: found for path, found in left.items() if not f"{path}/".startswith(once)}


def _ran_once(left: Left, attempts: str) -> bool:
    logs = {path: found for path, found in left.items() if re.fullmatch(rf"{attempts}/\d+/\w+\.log", path)}
    newest = max(int(path.split("/")[-2]) for path in logs)
    return not any(found for path, found in logs.items() if int(path.split("/")[-2]) != newest)


def _left_by_laptop(root: Path) -> Left:
    """As the server shows it: what is of the newest attempt lies beside its outputs, and a single task is the job."""
    tasks = sorted(path for path in root.iterdir() if not path.name.startswith("."))
    shown: dict[str, object] = {}
    for task in tasks:
        before = "" if len(tasks) == 1 else f"{task.name}/"
        shown |= {before + path: found for path, found in _as_shown(_left(task)).items()}
        shown |= {task.name: None} if before else {}
    return shown


def _as_shown(task: Left) -> Left:
    newest = max(int(path.split("/")[1]) for path in task if path.startswith("attempts/"))
    attempt = f"attempts/{newest}/"
    beside = {path.removeprefix(attempt): found for path, found in task.items() if path.startswith(attempt)}
    return beside | {path: found for path, found in task.items() if newest > 1 or not path.startswith("attempts")}


def _left(folder: Path) -> dict[str, object]:
    paths = (path for path in sorted(folder.rglob("*")) if path.name not in NOT_LEFT_BY_TASKS)
    return {str(path.relative_to(folder)): _content(path) for path in paths}


def _content(path: Path) -> object:
    if path.is_dir():
        return None
    return json.loads(path.read_text()) if path.name == "metrics.json" else path.read_text()
