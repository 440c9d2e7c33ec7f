"""The local executor when things die: the server, the shim, the machine."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from scheduler.local import (
    LocalSettings,
    boot,
    concluding,
    control,
    lifeline,
    open_local_executor,
    processes,
    spawn,
    starting,
)
from scheduler.local.lifeline import Lifeline
from scheduler.local.running import Running, Shim
from scheduler.local.shim import SHIM
from scheduler.local.spawn import Launch
from scheduler.logs import LogMarks
from scheduler.ports import Order
from tests.local_house import (
    House,
    WallClock,
    all_ended,
    following,
    left_of,
    said,
    shim_pid,
    wait_for_end,
    wait_until_it_sleeps,
)
from tovi_server.core.events import Exited, Lost, Started
from tovi_server.core.reasons import EndReason

GROUPS = pytest.mark.parametrize("groups", ["cgroups", "none"])


@dataclass
class Server:
    """A server in a process of its own, with one attempt, which the next server knows as `order`."""

    process: subprocess.Popen[str]
    order: Order

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@dataclass
class Waiting:
    """A shim that was not yet told to start."""

    pid: int
    says: int

    @classmethod
    def shim_of(cls, order: Order, line: Lifeline, *, tied: bool = False) -> Waiting:
        waits, says = os.pipe()
        opening = line.opening()
        launch = Launch(order, boot.boot_id(), None)
        pid = spawn._spawn(launch, server=line.seen_from_outside, commands=waits, opening=opening)
        if tied:
            lifeline.tie(opening, pid)
        os.close(waits)
        os.close(opening)
        return cls(pid, says)

    def let_go(self) -> None:
        os.write(self.says, b"go\n")
        os.close(self.says)
        os.waitpid(self.pid, 0)


@contextmanager
def serving(
    base: Path, run: str, *, timeout_s: float = 60, grace_s: float = 20, groups: str = "cgroups"
) -> Iterator[Server]:
    arguments = [str(base), run, str(timeout_s), str(grace_s), groups]
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.local_server", *arguments], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process:
        try:
            assert "started\n" in iter(process.stdout.readline, "")
            yield Server(process, House(base).order(run, timeout_s=timeout_s, grace_s=grace_s))
        finally:
            process.kill()


def settings(groups: str = "cgroups") -> LocalSettings:
    return LocalSettings("here", watch_interval_s=0.1, use_cgroups=groups == "cgroups")


@GROUPS
async def test_a_running_attempt_is_adopted_and_its_end_is_noticed(tmp_path: Path, groups: str) -> None:
    with serving(tmp_path, "mkfifo gate; echo ran $PWD; read -r line <gate; exit 7", groups=groups) as server:
        await said(server.order, "ran")
        server.kill()
    order = server.order
    async with open_local_executor(settings(groups), clock=WallClock()) as executor, following(executor) as follower:
        await executor.start(order)
        started = await follower.started(order)
        assert len(follower.heard) == 1
        with (order.work / "work/gate").open("w") as gate:
            gate.write("go\n")
        end = await follower.end(order)
    assert isinstance(end, Exited)
    assert (end.reason, end.exit_code) == (EndReason.ERROR, 7)
    assert started.at <= end.at
    assert (order.control / "stdout.log").read_text().count("ran") == 1
    await all_ended(order)


@GROUPS
async def test_an_end_while_no_server_runs_is_written_durably_by_the_shim(tmp_path: Path, groups: str) -> None:
    with serving(tmp_path, "mkfifo gate; echo ran; read -r line <gate; exit 7", groups=groups) as server:
        await said(server.order, "ran")
        server.kill()
    order = server.order
    with (order.work / "work/gate").open("w") as gate:
        gate.write("go\n")
    wait_for_end(shim_pid(order))
    assert (order.control / "exit.json").exists()
    assert not (order.control / "exit.tmp").exists()
    async with open_local_executor(settings(groups), clock=WallClock()) as executor, following(executor) as follower:
        await executor.start(order)
        end = await follower.end(order)
    assert isinstance(end, Exited)
    assert (end.reason, end.exit_code) == (EndReason.ERROR, 7)
    assert end.usage.cpu_s is not None
    await all_ended(order)


@GROUPS
async def test_the_time_limit_holds_while_no_server_runs_and_nothing_stays_behind(tmp_path: Path, groups: str) -> None:
    deaf = "trap '' TERM; (trap '' TERM; sleep 600; sleep 600) & echo ran; sleep 600; sleep 600"
    with serving(tmp_path, deaf, timeout_s=2, grace_s=1, groups=groups) as server:
        await said(server.order, "ran")
        server.kill()
    order = server.order
    wait_for_end(shim_pid(order))
    for pid in left_of(order):
        wait_for_end(pid)
    async with open_local_executor(settings(groups), clock=WallClock()) as executor, following(executor) as follower:
        await executor.start(order)
        end = await follower.end(order)
    assert isinstance(end, Exited)
    assert (end.reason, end.exit_code) == (EndReason.TIMEOUT, 137)


def test_a_shim_whose_server_left_before_it_could_listen_keeps_the_time_limit(tmp_path: Path) -> None:
    order = House(tmp_path).order("sleep 600", timeout_s=0.5)
    line = Lifeline.open()
    waits, says = os.pipe()
    opening = line.opening()
    server = line.seen_from_outside
    pid = spawn._spawn(Launch(order, "boot", None), server=server, commands=waits, opening=opening)
    line.close()  # not tied, it hears no signal
    os.write(says, b"go\n")
    for descriptor in (waits, says, opening):
        os.close(descriptor)
    wait_for_end(pid)
    os.waitpid(pid, 0)
    noted = control.read_exit(order.control)
    assert noted is not None
    assert noted.reason == EndReason.TIMEOUT


async def test_a_server_that_leaves_in_good_order_leaves_the_time_limit_too(tmp_path: Path) -> None:
    order = House(tmp_path).order("sleep 600", timeout_s=1)
    async with open_local_executor(settings(), clock=WallClock()) as executor, following(executor) as follower:
        await executor.start(order)
        await follower.started(order)
    wait_for_end(shim_pid(order))
    noted = control.read_exit(order.control)
    assert noted is not None
    assert noted.reason == EndReason.TIMEOUT


@GROUPS
async def test_the_group_of_a_killed_shim_is_ended_and_told_as_a_signal(tmp_path: Path, groups: str) -> None:
    order = House(tmp_path).order("echo ran; sleep 600")
    async with open_local_executor(settings(groups), clock=WallClock()) as executor, following(executor) as follower:
        await executor.start(order)
        await said(order, "ran")
        os.kill(shim_pid(order), signal.SIGKILL)
        end = await follower.end(order)
    assert isinstance(end, Exited)
    assert (end.reason, end.exit_code) == (EndReason.SIGNAL, 137)
    assert "watched over it" in end.message
    await all_ended(order)


@GROUPS
async def test_an_attempt_whose_shim_was_killed_while_no_server_ran_is_lost_and_ended(
    tmp_path: Path, groups: str
) -> None:
    with serving(tmp_path, "echo ran; sleep 600", groups=groups) as server:
        await said(server.order, "ran")
        server.kill()
    order = server.order
    os.kill(shim_pid(order), signal.SIGKILL)
    wait_for_end(shim_pid(order))
    remaining = left_of(order)
    assert remaining
    async with open_local_executor(settings(groups), clock=WallClock()) as executor, following(executor) as follower:
        await executor.start(order)
        end = await follower.end(order)
        for pid in remaining:
            await asyncio.to_thread(wait_for_end, pid)
    assert isinstance(end, Lost)


async def test_after_a_boot_what_ran_before_is_lost(tmp_path: Path) -> None:
    order = House(tmp_path).order("echo ran")
    mine = processes.process(os.getpid())
    assert mine is not None
    (order.control / "claim").write_text(f"{mine.pid} {mine.started} the-boot-before\n")
    async with open_local_executor(settings(), clock=WallClock()) as executor, following(executor) as follower:
        await executor.start(order)
        end = await follower.end(order)
    assert isinstance(end, Lost)
    assert (order.control / "stdout.log").read_text() == ""


async def test_after_a_boot_an_end_that_was_noted_before_is_told(tmp_path: Path) -> None:
    order = House(tmp_path).order("echo ran")
    (order.control / "claim").write_text(f"{os.getpid()} 1 the-boot-before\n")
    (order.control / "exit.json").write_text('{"exit_code": 3, "reason": ""}\n')
    async with open_local_executor(settings(), clock=WallClock()) as executor, following(executor) as follower:
        await executor.start(order)
        end = await follower.end(order)
    assert isinstance(end, Exited)
    assert (end.reason, end.exit_code) == (EndReason.ERROR, 3)


async def test_a_pid_that_is_another_process_by_now_is_left_alone(tmp_path: Path) -> None:
    order = House(tmp_path).order("echo ran", timeout_s=0.1, grace_s=0.1)
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as stranger:
        (order.control / "claim").write_text(f"{stranger.pid} 1 {boot.boot_id()}\n")
        async with (
            open_local_executor(settings("none"), clock=WallClock()) as executor,
            following(executor) as follower,
        ):
            await executor.start(order)
            end = await follower.end(order)
        assert stranger.poll() is None
        stranger.kill()
    assert isinstance(end, Lost)


async def test_a_claim_that_was_cut_off_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "_CLAIM_WITHIN_S", 0.0)
    order = House(tmp_path).order("echo ran")
    (order.control / "claim").touch()
    async with open_local_executor(settings(), clock=WallClock()) as executor, following(executor) as follower:
        await executor.start(order)
        end = await follower.end(order)
    assert isinstance(end, Lost)
    assert (order.control / "stdout.log").read_text() == ""


@pytest.mark.parametrize("text", ["", "{", '{"exit_code": 1', "[]", "null", '{"other": 1}'])
async def test_a_note_of_an_end_that_was_cut_off_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "exit.json").write_text(text)
    assert control.read_exit(tmp_path) is None


def test_a_shim_whose_server_died_before_it_was_told_to_start_runs_nothing(tmp_path: Path) -> None:
    order = House(tmp_path).order("echo ran")
    line = Lifeline.open()
    waits, says = os.pipe()
    opening = line.opening()
    pid = spawn._spawn(Launch(order, "boot", None), server="", commands=waits, opening=opening)
    for descriptor in (waits, says, opening):
        os.close(descriptor)
    os.waitpid(pid, 0)
    line.close()
    assert not control.was_claimed(order.control)
    assert (order.control / "stdout.log").read_text() == ""


async def test_a_shim_whose_server_died_just_before_it_was_told_to_start_leaves_nothing(tmp_path: Path) -> None:
    order = House(tmp_path).order("echo ran")
    line = Lifeline.open()
    shim = Waiting.shim_of(order, line, tied=True)
    wait_until_it_sleeps(shim.pid)
    os.kill(shim.pid, signal.SIGSTOP)
    line.close()
    os.close(shim.says)
    os.kill(shim.pid, signal.SIGCONT)
    os.waitpid(shim.pid, 0)
    await all_ended(order)
    assert not control.was_claimed(order.control)


def test_of_many_shims_of_one_attempt_one_runs_it(tmp_path: Path) -> None:
    order = House(tmp_path).order("echo ran")
    line = Lifeline.open()
    started = [spawn.spawn(Launch(order, "boot", None), line) for _ in range(8)]
    for pid, pidfd in started:
        os.waitpid(pid, 0)
        os.close(pidfd)
    line.close()
    assert (order.control / "stdout.log").read_text() == "ran\n"
    assert (order.control / "stderr.log").read_text() == ""
    assert shim_pid(order) in [pid for pid, _ in started]


@GROUPS
async def test_a_server_whose_shim_came_second_watches_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, groups: str
) -> None:
    order = House(tmp_path).order("echo ran; sleep 600")
    line = Lifeline.open()
    _, pidfd = spawn.spawn(Launch(order, boot.boot_id(), None), line)
    await said(order, "ran")
    hidden = iter([False])
    claimed = control.was_claimed
    monkeypatch.setattr(control, "was_claimed", lambda folder: next(hidden, claimed(folder)))
    async with open_local_executor(settings(groups), clock=WallClock()) as executor, following(executor) as follower:
        await executor.start(order)
        while len([one for one in follower.heard if isinstance(one, Started)]) < 2:
            await follower.news()
        await executor.stop(order.attempt)
        end = await follower.end(order)
    os.close(pidfd)
    line.close()
    assert isinstance(end, Exited)
    assert end.reason is EndReason.CANCELLED
    assert (order.control / "stdout.log").read_text() == "ran\n"


def test_what_was_stopped_before_it_was_claimed_is_started_by_nobody_later(tmp_path: Path) -> None:
    order = House(tmp_path).order("echo ran")
    line = Lifeline.open()
    earlier, later = Waiting.shim_of(order, line), Waiting.shim_of(order, line)
    shim = Shim(later.pid, os.pidfd_open(later.pid))
    running = Running(order, shim, None, 60, LogMarks(order.control), cause=EndReason.CANCELLED)
    os.kill(later.pid, signal.SIGTERM)
    ended = concluding.conclude(running, now=1.0)
    earlier.let_go()
    shim.close()
    os.close(later.says)
    line.close()
    assert ended is not None
    assert ended.reason == EndReason.CANCELLED
    assert (order.control / "stdout.log").read_text() == ""


async def test_a_shim_that_was_left_alone_and_came_second_leaves_nothing(tmp_path: Path) -> None:
    order = House(tmp_path).order("echo ran")
    line = Lifeline.open()
    second = Waiting.shim_of(order, line)
    line.close()
    control.close_claim(order.control)
    second.let_go()
    await all_ended(order)
    assert (order.control / "stdout.log").read_text() == ""


async def test_a_shim_that_is_told_it_is_alone_right_after_it_started_its_child_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = House(tmp_path).order("echo ran")
    told = SHIM.replace("tovi_child=$!\n", "kill -s URG $$\ntovi_child=$!\n")
    assert told != SHIM
    monkeypatch.setattr(spawn, "SHIM", told)
    line = Lifeline.open()
    pid, pidfd = spawn.spawn(Launch(order, boot.boot_id(), None), line)
    await asyncio.to_thread(wait_for_end, pid)
    os.close(pidfd)
    line.close()
    assert (order.control / "stdout.log").read_text() == "ran\n"


@GROUPS
async def test_a_stop_that_hit_the_second_shim_reaches_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, groups: str
) -> None:
    order = House(tmp_path).order("echo ran; sleep 600", grace_s=5)
    line = Lifeline.open()
    pid, pidfd = spawn.spawn(Launch(order, boot.boot_id(), None), line)
    await said(order, "ran")
    hidden = iter([False])
    claimed = control.was_claimed
    monkeypatch.setattr(control, "was_claimed", lambda folder: next(hidden, claimed(folder)))
    async with open_local_executor(settings(groups), clock=WallClock()) as executor, following(executor) as follower:
        await executor.start(order)
        await executor.stop(order.attempt)
        end = await follower.end(order)
        await asyncio.to_thread(wait_for_end, pid)
    os.close(pidfd)
    line.close()
    assert isinstance(end, Exited)
    assert end.reason is EndReason.CANCELLED
    await all_ended(order)


def test_a_shim_that_died_before_it_claimed_is_a_start_that_failed(tmp_path: Path) -> None:
    order = House(tmp_path).order("echo ran")
    line = Lifeline.open()
    waits, says = os.pipe()
    opening = line.opening()
    pid = spawn._spawn(Launch(order, "boot", None), server="", commands=waits, opening=opening)
    running = Running(order, Shim(pid, os.pidfd_open(pid)), None, 60, LogMarks(order.control))
    os.kill(pid, signal.SIGKILL)
    ended = concluding.conclude(running, now=1.0)
    for descriptor in (waits, says, opening):
        os.close(descriptor)
    assert running.shim is not None
    running.shim.close()
    line.close()
    assert ended is not None
    assert (ended.reason, ended.exit_code) == (EndReason.START_FAILED, None)
