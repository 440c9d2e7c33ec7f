"""Host keys are made once and are the server's alone."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tovi_server.core.errors import ConflictError, ToviError
from tovi_server.receivers import host_keys


def test_fresh_keys_are_ed25519_and_rsa_readable_by_nobody_else(tmp_path: Path) -> None:
    host_keys.create(tmp_path)

    assert {
        stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("ssh_host_ed25519_key", "ssh_host_rsa_key")
    } == {0o600}
    assert [pair.get_algorithm() for pair in host_keys.load(tmp_path)] == ["ssh-ed25519", "ssh-rsa"]
    assert [line.split()[0] for line in host_keys.public_lines(tmp_path)] == ["ssh-ed25519", "ssh-rsa"]


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    host_keys.create(tmp_path)
    before = host_keys.public_lines(tmp_path)

    with pytest.raises(ConflictError):
        host_keys.create(tmp_path)
    assert host_keys.public_lines(tmp_path) == before


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_can_touch_is_refused(tmp_path: Path, mode: int) -> None:
    host_keys.create(tmp_path)
    (tmp_path / "ssh_host_rsa_key").chmod(mode)

    with pytest.raises(ToviError, match="others can read the host key"):
        host_keys.load(tmp_path)


def test_a_missing_key_and_a_link_to_elsewhere_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    folder.mkdir()
    host_keys.create(folder)
    key = folder / "ssh_host_ed25519_key"
    key.rename(tmp_path / "elsewhere")
    with pytest.raises(ToviError, match="no host key at"):
        host_keys.load(folder)

    key.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ToviError, match="not a regular file of its folder"):
        host_keys.load(folder)


def test_the_public_halves_are_those_that_were_written_down_and_need_not_be_there(tmp_path: Path) -> None:
    host_keys.create(tmp_path)
    written = [(tmp_path / f"ssh_host_{name}_key.pub") for name in ("ed25519", "rsa")]
    expected = tuple(path.read_text().strip() for path in written)
    for path in written:
        path.unlink()

    assert host_keys.public_lines(tmp_path) == expected


@pytest.fixture
def passable() -> Iterator[Path]:
    """A folder that every user may enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="tovi-keys-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.root
@pytest.mark.parametrize(
    ("mode", "group", "said"),
    [(0o440, 4712, ""), (0o440, 4713, "others can"), (0o444, 4712, "others can"), (0o460, 4712, "others can")],
    ids=["its group", "another group", "everybody", "writable"],
)
def test_a_mounted_secret_is_read_by_its_group_alone(passable: Path, mode: int, group: int, said: str) -> None:
    """As Kubernetes mounts one for a server that is not root: links to root's files, which a group may read."""
    place = mounted(passable, mode=mode, group=group)
    load = f"host_keys.load(pathlib.Path('{place}'))"

    ended = subprocess.run(
        [
            *("setpriv", "--reuid=4711", "--regid=4711", "--groups=4712"),
            *(sys.executable, "-B", "-c", f"import pathlib; from tovi_server.receivers import host_keys; {load}"),
        ],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode == 0, said in ended.stderr) == (not said, True), ended.stderr


def mounted(folder: Path, *, mode: int, group: int) -> Path:
    """A folder of keys in the form of a mounted Secret."""
    version = folder / "..1"
    version.mkdir(mode=0o755)
    host_keys.create(version)
    (folder / "..data").symlink_to("..1")
    for key in version.iterdir():
        (folder / key.name).symlink_to(f"..data/{key.name}")
        os.chown(key, 0, group)
        key.chmod(mode)
    return folder


def test_a_broken_key_is_an_error_of_ours(tmp_path: Path) -> None:
    host_keys.create(tmp_path)
    (tmp_path / "ssh_host_rsa_key").write_text("rubbish")

    with pytest.raises(ToviError, match="cannot be read"):
        host_keys.load(tmp_path)
