"""A real server for tests: `tovi-server` as a program of its own, and stock OpenSSH in front of it.

    with live_server() as live:
        assert live.ssh("whoami").code == 0

Nothing is known here of the server but its command line. It may be killed and started again in between. At the end it
is stopped, its tasks too, and its folder is removed; so a test leaves nothing behind, however it ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from tests import processes
from tests.ssh_edge import Ended

ADMIN: Final = "ada"

START_S: Final = 90
STOP_S: Final = 30
CLIENT_S: Final = 60
_LISTENING: Final = "tovi: listening on "


@dataclass
class Live:
    """A server on its data directory, running or not, and the people who use it."""

    folder: Path
    """For everything, passable for the uids of tasks."""
    data: Path
    program: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """Where it listens, or did last."""
        return int((self.folder / "port").read_text())

    @property
    def pid(self) -> int:
        """Of the program that was started: the parent of all parts."""
        assert self.program is not None, "the server is not running"
        return self.program.pid

    @property
    def log(self) -> str:
        """What it wrote to stderr, over all its starts."""
        return (self.folder / "server.log").read_text(errors="replace")

    def init(self) -> None:
        """Make the data directory, with one user."""
        self.admin("init", "--admin", ADMIN, "--key", f"{self._make_key(ADMIN)}.pub")

    def start(self) -> None:
        """Start it and wait until it accepts connections, on a port that the system chose."""
        assert self.program is None, "the server is running"
        with (self.folder / "server.log").open("ab") as log:
            self.program = subprocess.Popen(
                [*self._server_words("serve"), "--listen", "127.0.0.1:0"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=_environment(),
                start_new_session=True,
            )
        self.point_clients_at("127.0.0.1", self._read_port())

    def stop(self) -> int:
        """Ask it to end (TERM) and wait until all its parts have; its exit status. Tasks go on."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the parent as `kill -9` does, and wait until all its parts have ended too. Tasks go on."""
        self._end(signal.SIGKILL)

    def end(self) -> None:
        """The same, if it runs at all."""
        if self.program is not None:
            self.kill()

    def kill_parent(self) -> set[int]:
        """The same without waiting for the parts, which are told: those that may still be there."""
        assert self.program is not None, "the server is not running"
        parts = self.parts()
        self._end_parent(signal.SIGKILL)
        return parts

    def restart(self) -> None:
        self.stop()
        self.start()

    def parts(self) -> set[int]:
        """The processes that the server is made of now."""
        return processes.of_session(self.pid)

    def add_user(self, name: str, *more: str) -> None:
        """One more person with a key of their own, who may then be the `user` of clients."""
        key = self._make_key(name).with_suffix(".pub").read_bytes()
        added = self.ssh("admin", "user", "add", name, *more, stdin=key)
        assert added.code == 0, added

    def admin(self, *words: str) -> str:
        """Run another verb of `tovi-server`, which must succeed; what it printed."""
        return _run_server(self._server_words(*words))

    def ssh(self, *words: str, stdin: bytes = b"", user: str = ADMIN, deadline_s: float = CLIENT_S) -> Ended:
        """Run `ssh tovi WORDS` to its end."""
        return run(self.ssh_words(*words, user=user), stdin=stdin, deadline_s=deadline_s)

    def json(self, *words: str, user: str = ADMIN) -> Any:
        """What a verb that must succeed says with --json."""
        ended = self.ssh(*words, "--json", user=user)
        assert ended.code == 0, ended
        return json.loads(ended.out)

    def scp(self, *words: str, user: str = ADMIN, deadline_s: float = CLIENT_S) -> Ended:
        """Run scp; the server's paths begin with `tovi:`."""
        return run(["scp", *self.client_options(user), *words], deadline_s=deadline_s)

    def sftp(self, *commands: str, user: str = ADMIN, deadline_s: float = CLIENT_S) -> Ended:
        """Run a batch of commands in sftp, ended by the first that fails."""
        batch = "".join(f"{command}\n" for command in commands).encode()
        return run(["sftp", "-b", "-", *self.client_options(user), "tovi"], stdin=batch, deadline_s=deadline_s)

    def shell(self, line: str, *, folder: Path, user: str = ADMIN, deadline_s: float = CLIENT_S) -> Ended:
        """Run a line of shell in a folder, as a person would type it."""
        options = shlex.join(self.client_options(user))
        clients = "".join(f'{name}() {{ command {name} {options} "$@"; }}\n' for name in ("ssh", "scp", "sftp"))
        ended = subprocess.run(
            ["sh", "-c", clients + line],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=deadline_s,
            env=_environment(),
            check=False,
        )
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    def ssh_words(self, *words: str, user: str = ADMIN) -> list[str]:
        """The argument vector of a plain client, for tests that start it themselves."""
        return ["ssh", *self.client_options(user), "tovi", *words]

    def client_options(self, user: str = ADMIN) -> list[str]:
        """What makes ssh, scp and sftp reach this server, under the name `tovi`, as `user`."""
        return ["-F", f"{self.folder}/ssh_config", "-i", f"{self.folder}/{user}"]

    def _server_words(self, *words: str) -> list[str]:
        settings = self.folder / "tovi.toml"
        config = ["--config", str(settings)] if settings.exists() else []
        return [sys.executable, "-m", "tovi_server", *words, "--data", str(self.data), *config]

    def _make_key(self, name: str) -> Path:
        key = self.folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key], check=True)
        return key

    def _read_port(self) -> int:
        line = _first_line(self.program, deadline_s=START_S)
        if not line.startswith(_LISTENING):
            self._end(signal.SIGKILL)
            raise AssertionError(f"the server did not start: it printed {line!r}, and its log is\n{self.log}")
        return int(line.rpartition(":")[2])

    def point_clients_at(self, address: str, port: int) -> None:
        """Clients that start meanwhile see the old file or the new one, never a half."""
        new = self.folder / "new"
        new.write_text(SSH_CONFIG.format(address=address, folder=self.folder, port=port))
        new.replace(self.folder / "ssh_config")
        new.write_text(str(port))
        new.replace(self.folder / "port")

    def _end(self, number: signal.Signals) -> int:
        assert self.program is not None, "the server is not running"
        parts = self.parts()
        code = self._end_parent(number)
        try:
            processes.wait_gone(parts, deadline_s=STOP_S)
        except TimeoutError:
            processes.end(parts)
            raise
        return code

    def _end_parent(self, number: signal.Signals) -> int:
        assert self.program is not None, "the server is not running"
        program, self.program = self.program, None
        program.send_signal(number)
        code = program.wait(STOP_S)
        if program.stdout:
            program.stdout.close()
        return code


@contextlib.contextmanager
def live_server(settings: str = "", *, data: Path | None = None) -> Iterator[Live]:
    """As `made_server`, running."""
    with made_server(settings, data=data) as live:
        live.start()
        yield live


@contextlib.contextmanager
def made_server(settings: str = "", *, data: Path | None = None) -> Iterator[Live]:
    """A server on a fresh data directory, which has not run yet, with one user, `ada`, who is its admin.

    `settings` is the text of a tovi.toml, if there is anything to set. `data` is a folder, there or not, that outlives
    the server; None: one of its own, removed in the end.
    """
    folder = Path(tempfile.mkdtemp(prefix="tovi-live-"))
    folder.chmod(0o755)  # tasks may have uids of their own
    live = Live(folder, folder / "data" if data is None else data)
    try:
        if settings:
            (folder / "tovi.toml").write_text(settings)
        if data is None and "[database]" not in settings:
            shutil.copytree(_ready().name, folder, dirs_exist_ok=True)
        else:
            live.init()
        yield live
    finally:
        live.end()
        processes.end(processes.mentioning(folder))
        remove(folder)


@cache
def _ready() -> tempfile.TemporaryDirectory[str]:
    """What `init` leaves: made once, as it takes seconds."""
    folder = tempfile.TemporaryDirectory(prefix="tovi-live-", ignore_cleanup_errors=True)
    Path(folder.name).chmod(0o755)
    Live(Path(folder.name), Path(folder.name) / "data").init()
    return folder


def run(words: list[str], *, stdin: bytes = b"", deadline_s: float = CLIENT_S) -> Ended:
    """Run a program to its end."""
    ended = subprocess.run(words, input=stdin, capture_output=True, timeout=deadline_s, check=False)
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def _run_server(words: list[str]) -> str:
    ended = subprocess.run(words, capture_output=True, text=True, timeout=START_S, env=_environment(), check=False)
    assert ended.returncode == 0, f"{words} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}"
    return ended.stdout


def _environment() -> Mapping[str, str]:
    """This process's own, without settings that would reach the server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TOVI_")}


def _first_line(program: subprocess.Popen[bytes] | None, *, deadline_s: float) -> str:
    """What it prints first; empty when it ended before, or took too long."""
    assert program is not None
    assert program.stdout is not None
    deadline, line = time.monotonic() + deadline_s, b""
    while not line.endswith(b"\n"):
        readable, _, _ = select.select([program.stdout], [], [], max(0.0, deadline - time.monotonic()))
        piece = os.read(program.stdout.fileno(), 1) if readable else b""
        if not piece:
            break
        line += piece
    return line.decode(errors="replace").rstrip("\n")


def remove(folder: Path) -> None:
    """With all that is in it: sealed folders are read-only."""
    for place, _, _ in os.walk(folder):
        Path(place).chmod(0o700)
    shutil.rmtree(folder)


SSH_CONFIG: Final = """\
Host tovi
    HostName {address}
    Port {port}
    HostKeyAlias tovi
    IdentitiesOnly yes
    IdentityAgent none
    BatchMode yes
    LogLevel ERROR
    StrictHostKeyChecking accept-new
    UserKnownHostsFile {folder}/known_hosts
"""
