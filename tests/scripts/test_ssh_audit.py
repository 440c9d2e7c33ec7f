"""Which cryptography clients get, and what a well-known judge says of it."""

from __future__ import annotations

import sys
from ipaddress import ip_network
from pathlib import Path

import asyncssh
import pytest

from tests.ssh_edge import Ended, client, make_key, run, serving, with_limits
from tovi_server.receivers.algorithms import Profile


async def test_openssh_ends_up_with_gcm(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        ended = await server.run("x", options=["-v"])

        assert b"cipher: aes128-gcm@openssh.com MAC: <implicit> compression: none" in ended.err


async def test_other_clients_may_lack_gcm(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, client(server, encryption_algs=["aes256-ctr"]) as connection:
        assert (await connection.run("hello")).stdout == "hello\n"


async def test_rsa_with_sha1_is_refused_even_when_the_client_insists(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        server.gate.users[make_key(tmp_path, "old", "rsa")] = "old"
        (pair,) = asyncssh.load_keypairs([str(tmp_path / "old")])
        pair.sig_algorithms = (b"ssh-rsa",)
        with pytest.raises(asyncssh.PermissionDenied):
            await asyncssh.connect(
                "127.0.0.1",
                server.port,
                client_keys=[pair],
                known_hosts=None,
                config=None,
                agent_path=None,
                signature_algs=["ssh-rsa"],
            )


async def test_ssh_audit_finds_no_failure(tmp_path: Path) -> None:
    ended = await _audit(tmp_path, Profile.COMPATIBLE)

    assert ended.code in {0, 2}, ended.out.decode()
    assert b"[fail]" not in ended.out


async def test_ssh_audit_has_nothing_to_say_on_the_strict_profile(tmp_path: Path) -> None:
    ended = await _audit(tmp_path, Profile.STRICT)

    assert ended.code == 0, ended.out.decode()


async def _audit(folder: Path, profile: Profile) -> Ended:
    limits = with_limits(trusted_sources=(ip_network("127.0.0.0/8"),))
    async with serving(folder, profile=profile, limits=limits) as server:
        program = Path(sys.executable).with_name("ssh-audit")
        return await run([str(program), "-n", "--skip-rate-test", "-p", str(server.port), "127.0.0.1"])
