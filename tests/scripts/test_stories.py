"""Whole stories, each on a server of its own: what people type, and what comes back.

A story is a Markdown file in `stories`. Its ```console blocks are typed in order, in a folder in which there are the
files of its other blocks (```yaml sweep.yaml). People are ada, who is the admin, and bob and eve, who are not:
`as bob ssh tovi queue` is typed by bob, and what says nobody by ada. `$KEYS` is the folder of everybody's keys. What
comes back is standard output, then standard error, and `[2]` when it ended with the exit status 2.
"""

from __future__ import annotations

import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.live import Live, live_server, run
from tests.ssh_edge import Ended
from tests.transcripts import play

ROOT: Final = Path(__file__).parents[2]
STORIES: Final = sorted((Path(__file__).parent / "stories").glob("*.md"))
SETTINGS: Final = """\
[server]
name = "tovi.lab"
[executor.local]
cpus = 4
memory = "8G"
grace = "5s"
"""
_FILE: Final = re.compile(r"^```\w+ (\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_CLIENTS: Final = """\
user=ada KEYS={keys}
as() {{ ( user=$1; shift; "$@" ) }}
ssh() {{ command ssh -F "$KEYS/ssh_config" -i "$KEYS/$user" "$@"; }}
scp() {{ command scp -F "$KEYS/ssh_config" -i "$KEYS/$user" "$@"; }}
sftp() {{ command sftp -F "$KEYS/ssh_config" -i "$KEYS/$user" "$@"; }}
tovi() {{ PATH="$KEYS/bin:$PATH" USER=$user TOVI_HOST=tovi PYTHONPATH={root} {python} -m tovi_cli "$@"; }}
"""
_SSH: Final = """\
#!/bin/sh
exec {ssh} -F {keys}/ssh_config -i {keys}/"$USER" "$@"
"""
"""What the program `tovi` finds as `ssh`."""


@pytest.fixture
def live() -> Iterator[Live]:
    with live_server(SETTINGS) as server:
        make_people(server)
        yield server


@pytest.fixture
def by_chance() -> re.Pattern[bytes]:
    """Nothing: nobody else uses this server."""
    return re.compile(rb"(?!)")


def make_people(live: Live) -> None:
    """Those who are not there from the beginning, and what they type as `ssh`."""
    live.add_user("bob")
    live.add_user("eve")
    _write_program(live.folder / "bin" / "ssh", _SSH.format(ssh=_found("ssh"), keys=live.folder))


def _found(program: str) -> str:
    found = shutil.which(program)
    assert found is not None, "the folder is marked as needing OpenSSH"
    return found


def _write_program(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    file.chmod(0o755)


def _typed(line: str, *, folder: Path, by_chance: re.Pattern[bytes]) -> Ended:
    """All of it as what comes back, but what comes by chance."""
    ended = run(["sh", "-c", f"cd {shlex.quote(str(folder))}\n{line}"])
    status = f"[{ended.code}]\n" if ended.code else ""
    return Ended(ended.code, by_chance.sub(b"", ended.out + ended.err) + status.encode(), b"")


@pytest.mark.parametrize("story", STORIES, ids=lambda file: file.stem)
def test_a_story_goes_as_it_is_told(live: Live, by_chance: re.Pattern[bytes], story: Path, tmp_path: Path) -> None:
    text = story.read_text()
    for name, content in _FILE.findall(text):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    clients = _CLIENTS.format(keys=shlex.quote(str(live.folder)), root=ROOT, python=sys.executable)

    played = play(text, lambda line: _typed(clients + line, folder=tmp_path, by_chance=by_chance))

    assert played.steps
    if played.otherwise:
        pytest.fail("\n".join(played.otherwise), pytrace=False)
