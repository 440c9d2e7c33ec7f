"""Public keys are read without trusting a byte of them."""

from __future__ import annotations

import asyncssh
import pytest

from tovi_server.core.errors import UsageError
from tovi_server.manager.public_key import comment_of, read_public_key

ACCEPTED = [
    ("ssh-ed25519", {}),
    ("ecdsa-sha2-nistp256", {}),
    ("ecdsa-sha2-nistp521", {}),
    ("ssh-rsa", {"key_size": 3072}),
]


def _line(kind: str, **options: int) -> tuple[str, str]:
    key = asyncssh.generate_private_key(kind, comment="ada@lab", **options)
    return key.export_public_key().decode(), key.get_fingerprint()


@pytest.mark.parametrize(("kind", "options"), ACCEPTED)
def test_a_good_key_has_the_fingerprint_that_openssh_shows(kind: str, options: dict[str, int]) -> None:
    line, fingerprint = _line(kind, **options)
    assert fingerprint == read_public_key(line).fingerprint


def test_the_line_is_kept_with_its_comment() -> None:
    line, _ = _line("ssh-ed25519")
    assert comment_of(read_public_key(line).line) == "ada@lab"


def test_control_characters_in_a_comment_are_made_visible() -> None:
    line, _ = _line("ssh-ed25519")
    assert "\x1b" not in read_public_key(line.strip() + "\x1b]52;c;x\x07").line


def test_a_short_rsa_key_is_refused_with_its_size() -> None:
    line, _ = _line("ssh-rsa", key_size=2048)
    with pytest.raises(UsageError, match="2048 bits"):
        read_public_key(line)


def test_a_private_key_is_refused_with_a_warning() -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    with pytest.raises(UsageError, match="private key"):
        read_public_key(key.export_private_key().decode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519",
        "ssh-ed25519 !!!!",
        "ssh-dss AAAAB3NzaC1kc3M=",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==",
        "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIBcqL1rkMkHGFqqTDDUAAAAAAAAAAAAAAAAAAAAAAAAA",
        "ssh-ed25519 AAAA\nssh-ed25519 BBBB",
        "x" * 20_000,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        read_public_key(text)


def test_options_before_the_key_are_refused() -> None:
    line, _ = _line("ssh-ed25519")
    with pytest.raises(UsageError, match="not a public key"):
        read_public_key(f'command="sh" {line}')
