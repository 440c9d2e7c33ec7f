"""The peer: a stock sshd on loopback, with keys and a configuration of its own."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_START_S: Final = 10
_STOP_S: Final = 10
_CONFIG: Final = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
PermitRootLogin yes
MaxStartups 200
SetEnv SHLVL=1
"""
"""Beside where it listens and whom it lets in: more newcomers than it would take, and no ~/.bashrc, which bash reads
for commands that come over SSH unless it believes to be in another shell: what people wrote there is not sshd's."""


@dataclass(frozen=True, slots=True)
class Sshd:
    folder: Path
    pid: int
    port: int

    @property
    def user(self) -> str:
        return pwd.getpwuid(os.geteuid()).pw_name

    @property
    def key(self) -> Path:
        return self.folder / "user"

    def ssh_words(self, *words: str) -> list[str]:
        """A plain client, with the options that Tovi's has."""
        options = ("IdentitiesOnly=yes", "IdentityAgent=none", "BatchMode=yes", "LogLevel=ERROR")
        known = ("StrictHostKeyChecking=accept-new", f"UserKnownHostsFile={self.folder}/known_hosts")
        settings = [word for option in (*options, *known) for word in ("-o", option)]
        place = ["-p", str(self.port), f"{self.user}@127.0.0.1"]
        return ["ssh", "-F", "/dev/null", "-i", str(self.key), *settings, *place, *words]

    def has_children(self) -> bool:
        """Whether some connection is not over yet."""
        return bool(Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().strip())


@contextlib.contextmanager
def stock_sshd() -> Iterator[Sshd]:
    """Running, until the end of the block.

    Raises:
        FileNotFoundError: it is not installed; on Debian it is in openssh-server.
    """
    program = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin:" + os.environ.get("PATH", ""))
    if program is None:
        raise FileNotFoundError("sshd is not here: apt-get install openssh-server")
    folder = Path(tempfile.mkdtemp(prefix="tovi-bench-sshd-"))
    try:
        with _running(program, folder) as sshd:
            yield sshd
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _running(program: str, folder: Path) -> Iterator[Sshd]:
    port = _free_port()
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    (folder / "config").write_text(_CONFIG.format(folder=folder, port=port))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    process = subprocess.Popen([program, "-D", "-f", folder / "config", "-E", folder / "log"])
    try:
        _wait_until_it_listens(port)
        yield Sshd(folder, process.pid, port)
    finally:
        process.terminate()
        process.wait(_STOP_S)


def _wait_until_it_listens(port: int) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def _free_port() -> int:
    """sshd cannot be told to take any."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
