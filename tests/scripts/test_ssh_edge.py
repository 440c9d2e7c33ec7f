"""Stories of plain OpenSSH against the receiver, with a gate and commands of our own behind it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.ssh_edge import serving

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="needs OpenSSH's ssh")


async def test_a_command_gets_its_words_and_ends_with_its_code(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        ended = await server.run("logs", "'two words'", "12")

        assert (0, b"logs\ntwo words\n12\n") == (ended.code, ended.out)
