"""Which cryptography is offered: no SHA-1, no finite-field Diffie-Hellman, no chacha20, MACs only encrypt-then-mac.

The client's order decides among ciphers, and without chacha20 every common client ends with AES-GCM, which is
twice as fast here. Nothing is compressed: the library inflates without a bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Profile(StrEnum):
    """How old a client may be."""

    COMPATIBLE = "compatible"
    STRICT = "strict"
    """Post-quantum key exchange only: OpenSSH 9.9 or newer."""


@dataclass(frozen=True, slots=True)
class Algorithms:
    """Names as on the wire, most wanted first."""

    key_exchange: tuple[str, ...]
    ciphers: tuple[str, ...]
    macs: tuple[str, ...]
    user_signatures: tuple[str, ...]
    host_signatures: tuple[str, ...]


_POST_QUANTUM = ("mlkem768x25519-sha256",)
_ELLIPTIC = ("curve25519-sha256", "curve25519-sha256@libssh.org")


def offered(profile: Profile) -> Algorithms:
    """What a server of this profile offers."""
    strict = profile is Profile.STRICT
    gcm = ("aes256-gcm@openssh.com", "aes128-gcm@openssh.com")
    return Algorithms(
        key_exchange=_POST_QUANTUM if strict else (*_POST_QUANTUM, *_ELLIPTIC),
        ciphers=gcm if strict else (*gcm, "aes256-ctr"),
        macs=("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com"),
        user_signatures=(
            "ssh-ed25519",
            "sk-ssh-ed25519@openssh.com",
            "ecdsa-sha2-nistp256",
            "sk-ecdsa-sha2-nistp256@openssh.com",
            "ecdsa-sha2-nistp384",
            "ecdsa-sha2-nistp521",
            "rsa-sha2-512",
            "rsa-sha2-256",
        ),
        host_signatures=("ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256"),
    )
