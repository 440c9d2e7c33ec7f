"""Stories of the real `scp` and `sftp` against the SFTP door, on a real tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.file_doors import MISSING, contents, files_served, fill

pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")


async def test_a_folder_goes_up_and_comes_back_the_same(tmp_path: Path) -> None:
    async with files_served(tmp_path) as files:
        sent = fill(files.here / "scans")

        up = await files.scp("-r", str(sent), "HOST:datasets/scans")
        down = await files.scp("-r", "HOST:datasets/scans", str(files.here / "back"))

        assert (up.code, up.err, down.code, down.err) == (0, b"", 0, b"")
        assert contents(files.datasets / "scans") == contents(sent)
        assert contents(files.here / "back") == contents(sent)
