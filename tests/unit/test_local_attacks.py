"""A job attacks the server, its own watcher and other people's tasks. As root only: then uids are switched."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from scheduler.local import LocalSettings, cgroups, open_local_executor
from scheduler.ports import Executor, Order, Owner
from tests.local_house import Follower, House, WallClock, following, said, shim_pid
from tovi_server.core.events import Exited

pytestmark = pytest.mark.root

ADA, EVE = Owner(61001, 62001), Owner(61002, 62001)
"""Two people of one project."""


@pytest.fixture
def base() -> Iterator[Path]:
    """A data directory as the server makes it: passed through by all, its own part shut."""
    path = Path(tempfile.mkdtemp(prefix="tovi-test-"))
    path.chmod(0o711)
    (path / "server").mkdir(mode=0o700)
    (path / "server/host_key").write_text("secret\n")
    (path / "server/tovi.db").write_text("secret\n")
    yield path
    shutil.rmtree(path)


@pytest_asyncio.fixture
async def opened() -> AsyncIterator[tuple[Executor, Follower]]:
    settings = LocalSettings("here", watch_interval_s=0.1)
    async with open_local_executor(settings, clock=WallClock()) as executor, following(executor) as follower:
        yield executor, follower


async def outcome(opened: tuple[Executor, Follower], order: Order) -> tuple[Exited, str]:
    """The end of an attempt and what it said."""
    executor, follower = opened
    await executor.start(order)
    end = await follower.end(order)
    assert isinstance(end, Exited)
    return end, (order.control / "stdout.log").read_text()


# Nothing here does any harm if it works, but to the folders of the test: a broken switch of uids makes it root's.
@pytest.mark.parametrize(
    "attack",
    [
        "cat {base}/server/host_key",
        "cat {base}/server/tovi.db",
        "ls {base}/server",
        "touch {base}/server/mine",
        "cat /proc/{server}/environ",
        "cat /proc/{server}/maps",
        "ls /proc/{server}/fd/",
        "kill -0 {server}",
        "cat /proc/{shim}/environ",
        "kill -KILL {shim}",
        "kill -ALRM {shim}",
        "kill -STOP {shim}",
        "echo forged >{control}/exit.json",
        "echo forged >{control}/exit.tmp",
        "echo forged >{control}/claim",
        "rm {control}/claim",
        "mv {control}/stdout.log {control}/other.log",
        "ln -s {base}/server/tovi.db {control}/log.idx",
        "echo 0 >/proc/{shim}/oom_score_adj",
        "echo -1000 >/proc/self/oom_score_adj",
        "setpriv --reuid 0 true",
        "chroot / true",
        "unshare --mount true",
    ],
)
async def test_an_attack_on_the_server_or_the_watcher_fails(
    base: Path, opened: tuple[Executor, Follower], attack: str
) -> None:
    order = House(base, owner=EVE).order(
        'read -r shim <gate; eval "$ATTACK"; code=$?; echo "$code"; exit 3',
        environment={"ATTACK": ""},
    )
    os.mkfifo(order.work / "work/gate", 0o666)
    os.chown(order.work / "work/gate", 61002, 62001)
    text = attack.replace("{shim}", "$shim").format(base=base, server=os.getpid(), control=order.control)
    order.environment["ATTACK"] = text  # type: ignore[index]  # a dict underneath
    executor, follower = opened
    await executor.start(order)
    (order.work / "work/gate").write_text(f"{shim_pid(order)}\n")
    end = await follower.end(order)
    assert isinstance(end, Exited)
    assert end.exit_code == 3
    assert int((order.control / "stdout.log").read_text()) != 0


async def test_a_task_runs_as_its_owner_alone_and_can_gain_nothing(
    base: Path, opened: tuple[Executor, Follower]
) -> None:
    order = House(base, owner=EVE).order("id -u; id -G; grep -E 'NoNewPrivs|CapEff|CapPrm|CapInh' /proc/self/status")
    _, said_text = await outcome(opened, order)
    assert said_text.split() == [
        "61002", "62001", "CapInh:", "0" * 16, "CapPrm:", "0" * 16, "CapEff:", "0" * 16, "NoNewPrivs:", "1",
    ]  # fmt: skip


async def test_a_task_has_its_logs_and_no_descriptor_more(base: Path, opened: tuple[Executor, Follower]) -> None:
    stray = os.open("/etc/hostname", os.O_RDONLY)
    os.set_inheritable(stray, True)
    try:
        settings = LocalSettings("here")
        order = House(base, owner=EVE).order("readlink /proc/$$/fd/*")
        async with open_local_executor(settings, clock=WallClock()) as executor, following(executor) as follower:
            _, said_text = await outcome((executor, follower), order)
    finally:
        os.close(stray)
    logs = [f"{order.control}/stdout.log", f"{order.control}/stderr.log"]
    assert said_text.split() == ["/dev/null", *logs]


async def test_the_environment_is_that_of_the_order_and_nothing_of_the_servers(
    base: Path, opened: tuple[Executor, Follower], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOVI_SECRET", "canary")
    monkeypatch.setenv("LD_PRELOAD_X", "canary")
    order = House(base, owner=EVE).order("tr '\\0' '\\n' </proc/self/environ", environment={"ODD": "ü\udcff\n\x01"})
    executor, follower = opened
    await executor.start(order)
    await follower.end(order)
    text = (order.control / "stdout.log").read_bytes()
    names = {line.split(b"=")[0].decode() for line in text.splitlines() if b"=" in line}
    assert b"canary" not in text
    assert b"ODD=\xc3\xbc\xff\n\x01\n" in text
    own = {"HOME", "CUDA_VISIBLE_DEVICES", "TOVI_SIGNALS", "PWD", "OLDPWD", "TMPDIR", "PYTHONUNBUFFERED", "TOVI_INDEX"}
    assert names == set(order.environment) | own


async def test_a_task_sees_only_the_gpus_it_was_given(base: Path, opened: tuple[Executor, Follower]) -> None:
    house = House(base, owner=EVE)
    run = 'echo "gpus=$CUDA_VISIBLE_DEVICES."'
    assert (await outcome(opened, house.order(run, gpu_ids=(1, 3))))[1] == "gpus=1,3.\n"
    assert (await outcome(opened, house.order(run)))[1] == "gpus=.\n"


async def test_a_colleagues_task_cannot_be_read_or_signalled(base: Path, opened: tuple[Executor, Follower]) -> None:
    house = House(base)
    executor, follower = opened
    victim = house.order("echo $$; sleep 600", owner=ADA, environment={"SECRET": "canary"})
    (victim.work / "home/token").write_text("canary")
    victim.work.chmod(0o700)
    (victim.control / "stdout.log").chmod(0o600)
    await executor.start(victim)
    await said(victim, "\n")
    pid = (victim.control / "stdout.log").read_text().strip()
    attacks = [
        f"cat /proc/{pid}/environ",
        f"kill -0 {pid}",
        f"kill -9 {pid}",
        f"cat {victim.work}/home/token",
        f"cat {victim.control}/stdout.log",
        f"ls /proc/{pid}/fd/",
    ]
    attacker = house.order("\n".join(f"{attack} && echo worked" for attack in attacks), owner=EVE)
    await executor.start(attacker)
    await follower.end(attacker)
    assert (attacker.control / "stdout.log").read_text() == ""
    await executor.stop(victim.attempt)
    await follower.end(victim)


async def test_a_task_that_takes_anothers_mark_harms_only_itself(base: Path) -> None:
    house = House(base)
    victim = house.order("echo ran; sleep 600", owner=ADA, memory_bytes=2**26)
    hungry = "import os, time; a = bytearray(200 << 20); print(os.getpid(), 'fed', flush=True); time.sleep(600)"
    run = f'TOVI_SCRATCH="$VICTIM" setsid python3 -c "{hungry}"'
    attacker = house.order(run, owner=EVE, environment={"VICTIM": str(victim.work)}, memory_bytes=2**30)
    settings = LocalSettings("here", watch_interval_s=0.05, use_cgroups=False)
    async with open_local_executor(settings, clock=WallClock()) as executor, following(executor) as follower:
        await executor.start(victim)
        await executor.start(attacker)
        await said(attacker, "fed")
        fled = int((attacker.control / "stdout.log").read_text().split()[0])
        await executor.stop(attacker.attempt)
        await follower.end(attacker)
        assert not any(isinstance(report, Exited) and report.attempt == victim.attempt for report in follower.heard)
        await executor.stop(victim.attempt)
        await follower.end(victim)
    os.kill(fled, signal.SIGKILL)  # without a control group, nothing tells whose it was


@pytest.mark.cgroup
async def test_a_task_cannot_leave_its_control_group(base: Path, opened: tuple[Executor, Follower]) -> None:
    found = cgroups.find()
    assert found is not None
    order = House(base, owner=EVE).order(f"echo $$ >{found.root.parent}/cgroup.procs && echo left")
    _, said_text = await outcome(opened, order)
    assert said_text == ""
