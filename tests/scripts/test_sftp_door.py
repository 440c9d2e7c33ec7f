"""Stories of the real `scp` and `sftp` against the SFTP door, on a real tree."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.file_doors import MISSING, files_served

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")


def fill(folder: Path) -> Path:
    """A folder with names and contents that have upset programs before."""
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "empty").write_bytes(b"")
    (folder / "two words").write_bytes(b"spaces\n")
    (folder / 'it\'s "quoted" $HOME `x`').write_bytes(b"quotes\n")
    (folder / "ünï-日本 \U0001f600").write_bytes(b"unicode\n")
    (folder / "-rf").write_bytes(b"a leading dash\n")
    (folder / "deep" / "er" / "big").write_bytes(os.urandom(3_000_001))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


async def test_a_folder_goes_up_and_comes_back_the_same(tmp_path: Path) -> None:
    async with files_served(tmp_path) as files:
        sent = fill(files.here / "scans")

        up = await files.scp("-r", str(sent), "HOST:datasets/scans")
        down = await files.scp("-r", "HOST:datasets/scans", str(files.here / "back"))

        assert (up.code, up.err, down.code, down.err) == (0, b"", 0, b"")
        assert contents(files.datasets / "scans") == contents(sent)
        assert contents(files.here / "back") == contents(sent)
