"""Images for the test cluster: Tovi's server from its wheel, and PostgreSQL, without a registry or a container engine.

Each is made once for what it is made of, kept in a cache, and brought into the nodes where it is not there yet.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests import kube
from tests.kube import SHARED
from tests.parts import postgres_programs

ROOT: Final = Path(__file__).parents[1]
CACHE: Final = Path.home() / ".cache" / "tovi-test-images"
BASE: Final = SHARED / "images" / "python.tar.xz"

_PEOPLE: Final = {
    "passwd": "tovi:x:10001:10001::/var/lib/tovi:/usr/sbin/nologin\npostgres:x:999:999::/var/lib/postgresql:/bin/sh\n",
    "group": "tovi:x:10001:\npostgres:x:999:\n",
}
_TOLD_S: Final = 60
_POSTGRES_PROGRAMS: Final = ("initdb", "pg_ctl", "pg_isready", "postgres")


def server_image() -> str:
    """The name of an image of this checkout's server, in every node."""
    files = [ROOT / "pyproject.toml", ROOT / "requirements.lock", ROOT / "deploy" / "install"]
    packages = tomllib.loads(files[0].read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    files += [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]
    return _image("tovi", files, _lay_out_server, "--user", "10001:10001", "--entrypoint", '["tovi-server"]')


def postgres_image() -> str:
    """The name of an image of this machine's PostgreSQL, whose user `postgres` is 999, in every node."""
    return _image("postgres", [_postgres() / "postgres"], _lay_out_postgres, "--user", "999:999")


def _image(name: str, files: list[Path], lay_out: Callable[[Path], None], *options: str) -> str:
    called = f"tovi.test/{name}:{_digest([*files, Path(__file__)])}"
    tar = CACHE / f"{called.replace('/', '-').replace(':', '-')}.tar"
    with _alone():
        if not tar.exists():
            _make(tar, called, lay_out, options)
        if not _is_in_every_node(called):
            _load(tar, called)
    return called


def _load(tar: Path, called: str) -> None:
    """Into all nodes; a test may have broken one of them, which then does not count. Nodes tell a little later."""
    ended = subprocess.run([SHARED / "cluster", "load", tar], capture_output=True, text=True, check=False)
    deadline = time.monotonic() + _TOLD_S
    while not _is_in_every_node(called):
        assert time.monotonic() < deadline, f"{called} did not get into the nodes: {ended.stderr}"
        time.sleep(0.5)


def _digest(files: list[Path]) -> str:
    """Of contents, and of the base by its size: it is large."""
    total = hashlib.sha256(str(BASE.stat().st_size).encode())
    for file in files:
        total.update(f"{file}\0".encode() + hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()[:16]


@contextmanager
def _alone() -> Iterator[None]:
    """Of all test processes."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(tar: Path, called: str, lay_out: Callable[[Path], None], options: tuple[str, ...]) -> None:
    for older in CACHE.glob(f"{tar.name.rpartition('-')[0]}-*.tar"):
        older.unlink()
    with tempfile.TemporaryDirectory(prefix="tovi-image-") as work:
        app, made = Path(work) / "app", Path(work) / "image.tar"
        app.mkdir()
        _add_people(app)
        lay_out(app)
        _run(SHARED / "make-image", made, called, _base(), app, *options)
        shutil.move(made, tar)


def _base() -> Path:
    """The Python image's files, unpacked once."""
    folder = CACHE / f"base-compiled-{BASE.stat().st_size}"
    if not folder.exists():
        half = folder.with_suffix(".half")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir()
        with tempfile.TemporaryDirectory() as work:
            with tarfile.open(BASE) as image:
                image.extractall(work, filter="data")
            for layer in _layers(Path(work)):
                _run("tar", "-xpf", layer, "-C", half, "--numeric-owner")
        _compile(half / "usr" / "lib" / "python3.11")
        half.rename(folder)
    return folder


def _compile(library: Path) -> None:
    """Images have no times of files, by which Python would know that what it compiled is current."""
    _run(sys.executable, "-m", "compileall", "-q", "-f", "--invalidation-mode", "unchecked-hash", library)


def _layers(image: Path) -> list[Path]:
    """Of an unpacked OCI image."""

    def blob(digest: str) -> Path:
        return image / "blobs" / digest.replace(":", "/")

    (manifest,) = json.loads((image / "index.json").read_text())["manifests"]
    return [blob(layer["digest"]) for layer in json.loads(blob(manifest["digest"]).read_text())["layers"]]


def _add_people(app: Path) -> None:
    (app / "etc").mkdir()
    for name, lines in _PEOPLE.items():
        (app / "etc" / name).write_text((_base() / "etc" / name).read_text() + lines)


def _lay_out_server(app: Path) -> None:
    """As the Containerfile does, but that the image's Python is another than the one that installs."""
    venv, programs = app / "opt" / "tovi", app / "usr" / "local" / "bin"
    venv.parent.mkdir()
    _run(ROOT / "deploy" / "install", venv)
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").symlink_to("/usr/bin/python3")
    programs.mkdir(parents=True)
    (programs / "tovi-server").symlink_to("/opt/tovi/bin/tovi-server")
    (venv / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n")


def _lay_out_postgres(app: Path) -> None:
    """The programs, what they read, and the libraries that the base has not."""
    programs = _postgres()
    own = app / programs.relative_to("/")
    own.mkdir(parents=True)
    (app / "usr" / "local" / "bin").mkdir(parents=True)
    for name in _POSTGRES_PROGRAMS:
        shutil.copy2(programs / name, own / name)
        (app / "usr" / "local" / "bin" / name).symlink_to(programs / name)
    version = programs.parent.name
    without_compiler = shutil.ignore_patterns("llvmjit*", "bitcode")
    shutil.copytree(programs.parent / "lib", own.parent / "lib", ignore=without_compiler)
    shutil.copytree(f"/usr/share/postgresql/{version}", app / "usr/share/postgresql" / version)
    shutil.copytree("/usr/share/zoneinfo/Etc", app / "usr/share/zoneinfo/Etc")
    for library in sorted({path for name in _POSTGRES_PROGRAMS for path in _libraries(programs / name)}):
        if not (_base() / library.relative_to("/")).exists():
            (app / library.relative_to("/")).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(library, app / library.relative_to("/"))


def _postgres() -> Path:
    programs = postgres_programs()
    assert programs is not None, "PostgreSQL's programs are needed"
    return programs


def _libraries(program: Path) -> Iterator[Path]:
    for line in _run("ldd", program).splitlines():
        _, arrow, target = line.strip().partition(" => ")
        if arrow and target.startswith("/"):
            path = Path(target.split()[0])
            yield path.parent.resolve() / path.name


def _is_in_every_node(called: str) -> bool:
    nodes = [kube.read("get", "node", name) for name in kube.nodes()]
    return all(
        any(called in (image.get("names") or ()) for image in node["status"].get("images", ())) for node in nodes
    )


def _run(*words: str | Path) -> str:
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    ended = subprocess.run([str(word) for word in words], capture_output=True, text=True, env=environment, check=False)
    assert ended.returncode == 0, f"{words} ended with {ended.returncode}:\n{ended.stdout}{ended.stderr}"
    return ended.stdout
