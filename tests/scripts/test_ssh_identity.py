"""Who somebody is: the key that signed says so, and nothing else does."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from pathlib import Path

import asyncssh
import pytest
from asyncssh.auth import MSG_USERAUTH_PK_OK
from asyncssh.constants import MSG_USERAUTH_REQUEST
from asyncssh.packet import Boolean, String

from tests.ssh_edge import KeyList, make_key, serving, with_limits
from tovi_server.core.access import Caller
from tovi_server.core.errors import UnavailableError


async def test_the_user_name_means_nothing_and_the_key_everything(tmp_path: Path) -> None:
    async with serving(tmp_path, users=["alice", "bob"]) as server:
        ended = await server.run(key="bob", options=["-l", "root"])

        assert ended.out == b"hello bob\n"


@pytest.mark.parametrize("name", ["x" * 65, "tab\there", "é" * 33])
async def test_a_hostile_user_name_is_refused(tmp_path: Path, name: str) -> None:
    async with serving(tmp_path) as server:
        ended = await server.run(options=["-l", name])

        assert (ended.code, ended.out) == (255, b"")


async def test_a_key_of_nobody_is_refused_without_a_trace(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        make_key(tmp_path, "mallory")
        ended = await server.run("x", key="mallory")

        assert ended.code == 255
        assert b"Permission denied (publickey)" in ended.err
        assert server.gate.opened == []


async def test_who_comes_while_keys_cannot_be_looked_up_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unavailable(gate: KeyList, fingerprint: str) -> None:
        raise UnavailableError("the database did not answer")

    monkeypatch.setattr(KeyList, "caller_by_key", unavailable)
    async with serving(tmp_path) as server:
        ended = await server.run("x")

        assert ended.code == 255
        assert b"nobody can log in just now (the database did not answer); try again in a moment" in ended.err


@pytest.mark.parametrize("kind", ["rsa", "ecdsa"])
async def test_other_kinds_of_keys_log_in(tmp_path: Path, kind: str) -> None:
    async with serving(tmp_path) as server:
        server.gate.users[make_key(tmp_path, "carol", kind)] = "carol"
        ended = await server.run(key="carol")

        assert ended.out == b"hello carol\n"


async def test_an_offered_key_that_is_not_proven_gives_nothing(tmp_path: Path) -> None:
    """Probe with the public half of alice's key, sign with mallory's."""
    async with serving(tmp_path, users=["alice"]) as server:
        make_key(tmp_path, "mallory")
        stolen = tmp_path / "stolen"
        stolen.write_bytes((tmp_path / "mallory").read_bytes())
        stolen.chmod(0o600)
        (tmp_path / "stolen.pub").write_bytes((tmp_path / "alice.pub").read_bytes())
        ended = await server.run("x", key="stolen")

        assert ended.code == 255
        assert server.gate.opened == []


async def test_identity_follows_the_key_that_signed_and_not_the_last_one_probed(tmp_path: Path) -> None:
    async with serving(tmp_path, users=["alice", "bob"]) as server:
        both = ["-i", f"{tmp_path}/bob"]
        server.gate.users = {key: user for key, user in server.gate.users.items() if user == "bob"}
        ended = await server.run(key="alice", options=[*both, "-T"])

        assert ended.out == b"hello bob\n"


@pytest.mark.parametrize("name", ["x", "y"], ids=["same-name", "another-name"])
@pytest.mark.parametrize("first", [True, False], ids=["probe-first", "probe-last"])
async def test_requests_that_overtake_each_other_never_mix_identities(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: bool, name: str
) -> None:
    """Mallory, who has an account, sends a probe for alice's key with each request, while lookups are slow."""

    async def slow_lookup(fingerprint: str) -> Caller | None:
        await asyncio.sleep(0.01)
        return await KeyList.caller_by_key(server.gate, fingerprint)

    async with serving(
        tmp_path, users=["alice", "mallory"], limits=with_limits(login_timeout=timedelta(seconds=1))
    ) as server:
        server.gate.caller_by_key = slow_lookup  # type: ignore[method-assign]  # a fault is planted
        monkeypatch.setattr(asyncssh.auth._ClientPublicKeyAuth, "_packet_handlers", {MSG_USERAUTH_PK_OK: ignore_others})
        with contextlib.suppress(asyncssh.Error, ConnectionError):
            async with asyncssh.connect(
                "127.0.0.1",
                server.port,
                client_factory=lambda: Overtaking(tmp_path, name, first=first),
                username="x",
                known_hosts=None,
                config=None,
                agent_path=None,
            ) as connection:
                assert (await connection.run()).stdout == "hello mallory\n"

        assert {caller.user for caller in server.gate.opened} <= {"mallory"}


class Overtaking(asyncssh.SSHClient):
    """Has mallory's key, and a probe for alice's before or after each request."""

    def __init__(self, keys: Path, name: str, *, first: bool) -> None:
        (self._own,) = asyncssh.load_keypairs([str(keys / "mallory")])
        (stolen,) = asyncssh.load_public_keys([str(keys / "alice.pub")])
        self._probe = (
            *(String(name), String("ssh-connection"), String("publickey"), Boolean(False)),
            *(String("ssh-ed25519"), String(stolen.public_data)),
        )
        self._first = first

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        def send(pkttype: int, *args: bytes, **rest: object) -> None:
            if self._first:
                conn.send_packet(MSG_USERAUTH_REQUEST, *self._probe)
            conn.send_packet(pkttype, *args)
            if not self._first:
                conn.send_packet(MSG_USERAUTH_REQUEST, *self._probe)

        conn.send_userauth_packet = send  # type: ignore[method-assign]  # an attack is planted
        self._offered = False

    def public_key_auth_requested(self) -> asyncssh.SSHKeyPair | None:
        offered, self._offered = self._offered, True
        return None if offered else self._own


def ignore_others(auth: asyncssh.auth._ClientPublicKeyAuth, _: int, __: int, packet: asyncssh.packet.SSHPacket) -> None:
    """Go on only with the own key; of others a polite client has asked nothing."""
    assert auth._keypair is not None
    packet.get_string()
    if packet.get_string() == auth._keypair.public_data:
        auth.create_task(auth._send_signed_request())
