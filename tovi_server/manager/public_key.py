"""Public keys in OpenSSH's one-line form: read without trusting a byte of them. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Final

from tovi_server.core.errors import UsageError
from tovi_server.core.safe import safe_line

LONGEST_LINE: Final = 16 * 1024
LONGEST_COMMENT: Final = 200
LEAST_RSA_BITS: Final = 3072
LARGEST_RSA_BITS: Final = 16384

_FIXED_FIELDS: Final = {
    "ssh-ed25519": (32,),
    "ecdsa-sha2-nistp256": (8, 65),
    "ecdsa-sha2-nistp384": (8, 97),
    "ecdsa-sha2-nistp521": (8, 133),
    "sk-ssh-ed25519@openssh.com": (32, None),
    "sk-ecdsa-sha2-nistp256@openssh.com": (8, 65, None),
}
"""Lengths in bytes of what follows the type's name; None: any."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that may log in. `line` is its one-line form without options."""

    fingerprint: str
    line: str


def read_public_key(text: str) -> PublicKey:
    """Read one line of a `.pub` file.

    Raises:
        UsageError: it is a private key, has options, is of a type that is not accepted, too weak, or damaged.
    """
    if "PRIVATE KEY" in text:
        raise UsageError("that is a private key", why="keep it to yourself", hint="give the file that ends in .pub")
    line = text.strip()
    if not line or "\n" in line or len(line) > LONGEST_LINE:
        raise _bad("it is one line: the type, the key, a comment")
    kind, _, rest = line.partition(" ")
    data, _, comment = rest.strip().partition(" ")
    blob = _blob(kind, data)
    _need_strength(kind, _fields(blob, kind))
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    shown = safe_line(comment.strip())[:LONGEST_COMMENT]
    return PublicKey(f"SHA256:{digest}", f"{kind} {data} {shown}".rstrip())


def comment_of(line: str) -> str:
    return line.split(" ", 2)[2] if line.count(" ") >= 2 else ""


def _blob(kind: str, data: str) -> bytes:
    if kind not in _FIXED_FIELDS and kind != "ssh-rsa":
        kinds = ", ".join(["ssh-ed25519", "ecdsa-sha2-nistp256/384/521", "ssh-rsa", "sk-ssh-ed25519", "sk-ecdsa"])
        raise _bad(f'its type "{safe_line(kind[:80])}" is not accepted; these are: {kinds}')
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _bad("its middle part is not base64; was a piece cut off?") from error


def _fields(blob: bytes, kind: str) -> list[bytes]:
    """What follows the type's name, which must be the same as outside."""
    fields = []
    while blob:
        length = int.from_bytes(blob[:4], "big")
        if len(blob) < 4 + length:
            raise _bad("it is cut off")
        fields.append(blob[4 : 4 + length])
        blob = blob[4 + length :]
    if not fields or fields[0] != kind.encode():
        raise _bad(f"inside it is not the {kind} that it says outside")
    return fields[1:]


def _need_strength(kind: str, fields: list[bytes]) -> None:
    if kind == "ssh-rsa":
        _need_rsa(fields)
        return
    lengths = _FIXED_FIELDS[kind]
    good = len(fields) == len(lengths) and all(
        want in (None, len(field)) for field, want in zip(fields, lengths, strict=True)
    )
    if not good:
        raise _bad(f"it is not as long as an {kind} key is")


def _need_rsa(fields: list[bytes]) -> None:
    if len(fields) != 2:
        raise _bad("it is not made like an RSA key")
    bits = int.from_bytes(fields[1], "big").bit_length()
    if not LEAST_RSA_BITS <= bits <= LARGEST_RSA_BITS:
        raise UsageError(
            f"this RSA key has {bits} bits",
            why=f"an RSA key needs {LEAST_RSA_BITS} to {LARGEST_RSA_BITS}",
            hint="make a better one: `ssh-keygen -t ed25519`",
        )


def _bad(why: str) -> UsageError:
    return UsageError("that is not a public key of OpenSSH", why=why, hint="give one line of a .pub file")
