"""A PostgreSQL of our own for the tests: a fresh cluster in a temporary folder, on a UNIX socket alone."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from tests.parts import need, postgres_programs

_READY = "database system is ready to accept connections"
_DEADLINE_S = 60


@dataclass
class PostgresServer:
    """Gives each test a database that nobody else uses."""

    socket: Path
    process: subprocess.Popen[str]
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def create_database(self, *, template: str = "") -> str:
        """The URL of a new one: empty, or a copy of the one with the URL `template`, which nobody uses now."""
        name = f"tovi_{next(self._numbers)}"
        copied = f" TEMPLATE {make_url(template).database}" if template else ""
        self.execute(f"CREATE DATABASE {name}{copied}")
        return self.url(name)

    def url(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self.socket}"

    def listeners(self, url: str) -> int:
        """How many connections wait for notices of a database: they said so last."""
        name = make_url(url).database
        query = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND query LIKE 'LISTEN%'"
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            row = connection.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Runs for the whole session; tests that ask for it are left out where PostgreSQL is not installed."""
    need("postgres")
    programs = postgres_programs()
    assert programs is not None
    with _folder() as folder, _running(programs, folder) as process:
        yield PostgresServer(folder, process)


def _as_somebody() -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    user = _unprivileged()
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--pdeathsig=INT"]


def _unprivileged() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


@contextmanager
def _folder() -> Iterator[Path]:
    """Not beneath pytest's own, which no other user may enter, and whose paths are too long for a socket."""
    with tempfile.TemporaryDirectory(prefix="tovi-pg-", dir="/tmp") as name:
        if os.geteuid() == 0:
            shutil.chown(name, _unprivileged().pw_uid, _unprivileged().pw_gid)
        yield Path(name)


@contextmanager
def _running(programs: Path, folder: Path) -> Iterator[subprocess.Popen[str]]:
    data = folder / "data"
    initdb = [
        str(programs / "initdb"),
        "-D",
        str(data),
        "-U",
        "postgres",
        "--auth=trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "-N",
    ]
    subprocess.run([*_as_somebody(), *initdb], check=True, capture_output=True, cwd=folder, timeout=_DEADLINE_S)
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "fsync": "off",
        "log_min_messages": "log",  # so little that the pipe never fills
        "log_checkpoints": "off",
        "max_connections": "60",
    }
    server = [str(programs / "postgres"), "-D", str(data), *(f"--{name}={value}" for name, value in settings.items())]
    with subprocess.Popen([*_as_somebody(), *server], cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        try:
            _wait_until_ready(process)
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(_DEADLINE_S)


def _wait_until_ready(process: subprocess.Popen[str]) -> None:
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if _READY in line:
            return
    pytest.fail("PostgreSQL did not start:\n" + "".join(said))
