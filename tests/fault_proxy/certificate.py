"""A certificate for 127.0.0.1 that nobody signed but itself."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_KEY: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc")
_NAME: Final = ("-subj", "/CN=fault proxy", "-addext", "subjectAltName=IP:127.0.0.1")
_USE: Final = (
    "-addext",
    "basicConstraints=critical,CA:true",
    "-addext",
    "keyUsage=critical,digitalSignature,keyCertSign",
)


@dataclass(frozen=True, slots=True)
class Certificate:
    file: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """For a server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file, self.key)
        return context


def make_certificate(folder: Path) -> Certificate:
    made = Certificate(folder / "certificate.pem", folder / "key.pem")
    words: list[str | Path] = ["openssl", "req", "-x509", "-days", "2", *_KEY, *_NAME, *_USE]
    subprocess.run([*words, "-keyout", made.key, "-out", made.file], check=True, capture_output=True)
    return made
