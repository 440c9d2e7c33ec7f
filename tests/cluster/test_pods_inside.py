"""What a program finds in its pod, and how it ends there."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from tests import kube, processes
from tests.cluster import busybox
from tests.live import Live
from tests.pods import Place
from tests.waiting import PAUSE_S

SMALL: Final = "resources: {cpus: 0.2, memory: 256Mi, disk: 200Mi}\n"
DEADLINE_S: Final = 60
COUNTS: Final = f"""\
{SMALL}
run: |
  [ "$TOVI_ATTEMPT" = 1 ] || exit 0
  exec python3 -c '
  import os
  with open(os.environ["TOVI_OUT"] + "/said", "w") as said:
      for number in range(10**9):
          print(number, flush=True)
          print(number, file=said, flush=True)
  '
"""
"""In a file of its own it notes each line that it has said."""


@dataclass(frozen=True)
class Tried:
    live: Live

    def submit(self, text: str) -> str:
        ended = self.live.ssh("submit", stdin=text.encode())
        assert ended.code == 0, ended
        return ended.out.decode().strip()

    def ran(self, text: str) -> list[str]:
        """What a job that has to succeed printed, by lines."""
        job = self.submit(text)
        ended = self.live.ssh("wait", job)
        assert ended.code == 0, (ended, self.logs(job))
        return self.logs(job)

    def logs(self, job: str, *words: str) -> list[str]:
        return self.live.ssh("logs", job, *words).out.decode().splitlines()

    def task(self, job: str) -> Any:
        return self.live.json("show", f"{job}.main.0")

    def has_said(self, job: str, line: str) -> None:
        """Until it has."""
        deadline = time.monotonic() + DEADLINE_S
        while line not in self.logs(job):
            assert time.monotonic() < deadline, (job, self.logs(job), self.live.ssh("why", job))
            time.sleep(PAUSE_S)

    def scratch(self, job: str) -> str:
        return str(self.live.data / "scratch" / f"{job}.main.0.1")

    def noted(self, job: str) -> list[str]:
        """By a program that counts, in its first attempt."""
        (found,) = self.live.data.glob(f"projects/ada/jobs/{job}/main.0/attempts/1/outputs/said")
        return found.read_text().splitlines()


@pytest.fixture(scope="module")
def tried(place: Place) -> Iterator[Tried]:
    with place.server('grace = "5s"\n') as live:
        yield Tried(live)


def test_a_program_is_somebody_and_has_a_home(tried: Tried) -> None:
    who = 'import os, pwd; it = pwd.getpwuid(os.getuid()); print(it.pw_name, it.pw_dir, os.path.expanduser("~"))'
    run = f"run: |\n  id -un\n  echo $USER $LOGNAME $HOME $TMPDIR\n  touch $HOME/a $TMPDIR/b\n  python3 -c '{who}'\n"

    lines = tried.ran(SMALL + run)

    scratch = tried.scratch("1")
    assert lines == ["ada", f"ada ada {scratch}/home {scratch}/tmp", f"ada {scratch}/home {scratch}/home"]


def test_memory_to_share_is_as_large_as_what_was_asked_for(tried: Tried) -> None:
    run = "run: df --output=size -m /dev/shm | tail -1; head -c 100M /dev/zero > /dev/shm/x && echo filled\n"

    assert [line.strip() for line in tried.ran(SMALL + run)] == ["256", "filled"]


def test_the_working_copy_is_on_scratch_space_and_never_on_the_volume(tried: Tried, tmp_path: Path) -> None:
    (tmp_path / "code.txt").write_text("frozen\n")
    where = (
        'grep -c " $TOVI_SCRATCH .*" /proc/self/mountinfo; grep -c empty-dir.*" $TOVI_SCRATCH " /proc/self/mountinfo'
    )
    (tmp_path / "tovi.yaml").write_text(
        f"{SMALL}run: |\n  {where}\n  echo more >> code.txt; cat code.txt; cp code.txt mark; sleep 600\n"
    )
    ended = tried.live.shell("tar c tovi.yaml code.txt | ssh tovi submit -", folder=tmp_path)
    job = ended.out.decode().strip()
    tried.has_said(job, "more")
    found = list(tried.live.data.rglob("mark"))
    tried.live.ssh("cancel", job)

    assert tried.live.ssh("wait", job).code == 130
    assert (found, tried.logs(job)[:4]) == ([], ["1", "1", "frozen", "more"])
    assert [path.read_text() for path in tried.live.data.rglob("code.txt")] == ["frozen\n"]


def test_told_to_end_all_that_a_program_started_hears_it(tried: Tried) -> None:
    child = 'trap "echo heard $child; exit" TERM; echo up $child; sleep 600 & wait'
    children = f"for child in 1 2 3; do export child; sh -c '{child}' & done"
    job = tried.submit(f"{SMALL}run: |\n  trap : TERM\n  {children}\n  wait; wait; echo over; exit 3\n")
    for number in (1, 2, 3):
        tried.has_said(job, f"up {number}")

    tried.live.ssh("cancel", job)

    assert tried.live.ssh("wait", job).code == 130
    assert set(tried.logs(job)) >= {"heard 1", "heard 2", "heard 3", "over"}
    assert (tried.task(job)["state"], tried.task(job)["exit_code"]) == ("cancelled", 3)


def test_what_lost_its_parent_is_reaped(tried: Tried) -> None:
    orphans = """
  import pathlib, subprocess, time
  def dead():
      states = (path.read_text().rpartition(")")[2].split()[0] for path in pathlib.Path("/proc").glob("[0-9]*/stat"))
      return sum(state == "Z" for state in states)
  for _ in range(20):
      subprocess.run(["sh", "-c", "sleep 0.1 & exit 0"])
  deadline = time.monotonic() + 20
  time.sleep(0.2)
  while dead() and time.monotonic() < deadline:
      time.sleep(0.1)
  print("dead:", dead())
"""

    assert tried.ran(f"{SMALL}run: |\n  exec python3 -c '{orphans}  '\n") == ["dead: 0"]


def test_a_line_is_seen_while_the_program_runs(tried: Tried) -> None:
    job = tried.submit(f"{SMALL}run: echo a line; sleep 600\n")
    with subprocess.Popen(tried.live.ssh_words("logs", "-f", job), stdout=subprocess.PIPE) as following:
        assert following.stdout is not None
        line = following.stdout.readline()
        state = tried.task(job)["state"]
        tried.live.ssh("cancel", job)

    assert line == b"a line\n"
    assert state in {"starting", "running"}, "the line may be quicker than the news that it runs"


def test_logs_are_whole_when_the_container_is_killed(tried: Tried) -> None:
    if not kube.is_shared_cluster():
        pytest.skip("only of ../shared/cluster are containers processes of this machine")
    job = tried.submit(COUNTS)
    tried.has_said(job, "100")

    os.kill(first_process(tried.scratch(job)), signal.SIGKILL)

    assert tried.live.ssh("wait", job).code == 137
    assert_whole(tried.logs(job, "--stream", "out"), tried.noted(job))


def test_logs_are_whole_when_the_pod_is_deleted_by_force(tried: Tried, place: Place) -> None:
    job = tried.submit(COUNTS)
    tried.has_said(job, "100")

    kube.kubectl("delete", "pod", f"tovi-{job}-main-0-1", "-n", place.namespace, "--force", "--wait=false")

    assert tried.live.ssh("wait", job).code == 0
    assert_whole(tried.logs(job, "--attempt", "1", "--stream", "out"), tried.noted(job))


def first_process(scratch: str) -> int:
    """The first one of a container, as this machine sees it."""
    for pid in processes.mentioning(Path(scratch)):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            status = Path(f"/proc/{pid}/status").read_text()
            if status.partition("NSpid:")[2].splitlines()[0].split()[-1] == "1":
                return pid
    raise AssertionError(f"nothing runs in {scratch}")


def assert_whole(logged: list[str], noted: list[str]) -> None:
    """All that had been said is there, and nothing but one line more."""
    assert logged[: len(noted)] == noted
    assert len(logged) - len(noted) <= 1


def test_what_one_node_has_set_up_is_used_and_not_changed_by_another(place: Place, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("none\n")
    made = 'setup: echo setting up; echo "echo a tool" > $TOVI_ENV/bin/tool; chmod 755 $TOVI_ENV/bin/tool\n'
    run = 'run: tool; grep -c " $TOVI_ENV ro," /proc/self/mountinfo; ! touch $TOVI_ENV/mine || echo changed\n'
    (tmp_path / "tovi.yaml").write_text(SMALL.replace("cpus: 0.2", "cpus: 0.9") + made + run)
    with place.server(only_on(place.nodes[0])) as live:
        line = "tar c . | ssh tovi submit - --wait"
        first = live.shell(line, folder=tmp_path)
        settings = live.folder / "tovi.toml"
        settings.write_text(settings.read_text().replace(only_on(place.nodes[0]), only_on(place.nodes[1])))
        live.restart()
        second = live.shell(line, folder=tmp_path)
        nodes = [live.json("show", f"{job}.main.0")["node"] for job in (1, 2)]
        said = [live.ssh("logs", str(job), "--stream", "out").out for job in (1, 2)]

    assert (first.code, second.code, nodes) == (0, 0, list(place.nodes[:2]))
    assert said == [b"setting up\na tool\n0\nchanged\n", b"a tool\n1\n"]


def only_on(node: str) -> str:
    return f'node_selector = {{"kubernetes.io/hostname" = "{node}"}}\n'


PLAIN: Final = """\
defaults: {image: IMAGE, resources: {cpus: 0.1, memory: 64Mi, disk: 100Mi}}
stages:
  make:
    setup: echo setting up; echo tool > $TOVI_ENV/tool
    array: 0..1
    run: |
      cat $TOVI_ENV/tool code.txt; whoami; echo error >&2
      echo changed >> code.txt; touch $HOME/a $TMPDIR/b
      mkdir -p deep/er; echo "$TOVI_INDEX" > deep/er/file; echo '{"size": 5}' > metrics.json
    outputs: {deep: deep}
    metrics: metrics.json
  use:
    needs: [make]
    inputs: {deep: make.deep}
    data: {numbers: datasets/numbers}
    run: cat $TOVI_IN/deep/*/er/file $TOVI_DATA/numbers/a.txt; exit 4
"""


@pytest.mark.busybox
def test_an_image_with_little_more_than_a_shell_is_enough(tried: Tried, tmp_path: Path) -> None:
    (tmp_path / "numbers").mkdir()
    (tmp_path / "numbers" / "a.txt").write_text("7\n")
    (tmp_path / "code.txt").write_text("frozen\n")
    (tmp_path / "tovi.yaml").write_text(PLAIN.replace("IMAGE", busybox.image()))

    line = "scp -qr numbers tovi:datasets/ && tar c tovi.yaml code.txt | ssh tovi submit - --wait"
    ended = tried.live.shell(line, folder=tmp_path)

    job = ended.out.decode().strip()
    assert ended.code == 4, ended
    assert tried.logs(f"{job}.use") == ["0", "1", "7"]
    for index in (0, 1):
        assert tried.logs(f"{job}.make.{index}", "--stream", "out")[-3:] == ["tool", "frozen", "ada"]
    shown = tried.live.json("show", f"{job}.make.0")
    assert (shown["metrics"], shown["used"]["memory_bytes"] > 0) == ({"size": 5}, True)


@pytest.mark.busybox
def test_with_little_more_than_a_shell_a_program_is_told_to_end_and_may_tidy_up(tried: Tried) -> None:
    run = "run: |\n  trap 'echo tidied; exit 5' TERM\n  echo begun\n  sleep 600 & wait\n"
    job = tried.submit(f"image: {busybox.image()}\n{SMALL}{run}")
    tried.has_said(job, "begun")

    tried.live.ssh("cancel", job)

    assert tried.live.ssh("wait", job).code == 130
    assert (tried.logs(job), tried.task(job)["exit_code"]) == (["begun", "tidied"], 5)
