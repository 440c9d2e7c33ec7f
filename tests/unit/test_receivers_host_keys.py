"""Host keys are made once and are the server's alone."""

from __future__ import annotations

import stat
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


def test_a_link_or_a_missing_key_is_refused(tmp_path: Path) -> None:
    host_keys.create(tmp_path)
    key = tmp_path / "ssh_host_ed25519_key"
    key.rename(tmp_path / "elsewhere")
    with pytest.raises(ToviError, match="no host key at"):
        host_keys.load(tmp_path)

    key.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ToviError, match="not a regular file"):
        host_keys.load(tmp_path)


def test_a_broken_key_is_an_error_of_ours(tmp_path: Path) -> None:
    host_keys.create(tmp_path)
    (tmp_path / "ssh_host_rsa_key").write_text("rubbish")

    with pytest.raises(ToviError, match="cannot be read"):
        host_keys.load(tmp_path)
