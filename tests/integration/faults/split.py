"""A server in parts, as on several machines: one receives, others only schedule, of whom one leads."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests import processes
from tests.live import STOP_S, Live, live_server
from tests.waiting import eventually

DEADLINE_S: Final = 60
_TOLD_LINES: Final = 25


@dataclass
class Other:
    """One more server on the data directory and the database of `live`: a scheduler, unless words say otherwise."""

    live: Live
    log: Path
    program: subprocess.Popen[bytes] | None = None

    def start(self, *words: str) -> None:
        """And wait until it is ready, be it only to stand by."""
        with self.log.open("ab") as log:
            self.program = subprocess.Popen(
                [
                    *(sys.executable, "-m", "tovi_server", "serve", "--data", str(self.live.data)),
                    *("--config", str(self.live.folder / "tovi.toml"), *(words or ("--role", "scheduler"))),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        assert self.program.stdout is not None
        said = self.program.stdout.readline()
        assert said.startswith(b"tovi: "), self.log.read_text()

    @property
    def pid(self) -> int:
        assert self.program is not None, "it is not running"
        return self.program.pid

    @property
    def part(self) -> int:
        """The process that schedules, once there is one."""
        return eventually(lambda: next(iter(processes.called("tovi-scheduler", processes.of_session(self.pid))), 0))

    def events(self) -> list[str]:
        """What its log tells, in order."""
        return [str(line["event"]) for line in self._lines()]

    def leads(self) -> bool:
        return "\ntovi_leader 1.0\n" in self.probe("/metrics")[1]

    def probe(self, path: str) -> tuple[int, str]:
        """Ask its health port; 0: nobody answers."""
        try:
            with urllib.request.urlopen(f"http://{self._health()}{path}", timeout=DEADLINE_S) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    def _health(self) -> str:
        return str([line["address"] for line in self._lines() if line["event"] == "answering_probes"][-1])

    def _lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def stop(self) -> None:
        """In good order."""
        self._end(lambda: os.kill(self.pid, signal.SIGTERM))

    def kill(self) -> None:
        """`kill -9` of all its processes at once, as if its machine had died."""
        self._end(lambda: processes.end(processes.of_session(self.pid)))

    def _end(self, how: Callable[[], None]) -> None:
        there = processes.of_session(self.pid)
        how()
        assert self.program is not None
        assert self.program.stdout is not None
        self.program.wait(STOP_S)
        self.program.stdout.close()
        self.program = None
        processes.wait_gone(there, deadline_s=STOP_S)


@contextmanager
def split_server(url: str, settings: str = "", *, others: int) -> Iterator[tuple[Live, Sequence[Other]]]:
    """A receiver, and so many other servers, not yet started."""
    text = f'[database]\nurl = "{url}"\n[server]\nrole = "receiver"\nhealth = "127.0.0.1:0"\n{settings}'
    with live_server(text) as live:
        servers = [Other(live, live.folder / f"other-{number}.log") for number in range(others)]
        try:
            yield live, servers
        finally:
            for one in servers:
                if one.program is not None:
                    one.kill()


def the_leader(servers: Sequence[Other]) -> Other:
    """The one that leads; there is never more than one. When none does in time, the failure has what they told."""

    def leader() -> Other | None:
        leaders = [one for one in servers if one.program is not None and one.leads()]
        return leaders[0] if len(leaders) == 1 else None

    try:
        return eventually(leader)
    except AssertionError as error:
        for one in servers:
            error.add_note("\n".join([f"{one.log.name} ends with", *one.log.read_text().splitlines()[-_TOLD_LINES:]]))
        raise
