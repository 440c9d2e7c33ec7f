"""Rendered scripts, run by a real `sh`: variables, code, outputs, exit codes, signals."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.script_machine import environment, finish, run, start
from tovi_server.core.expand import cell
from tovi_server.core.script import render
from tovi_server.core.spec import Axis, CellSpace, Output, Range, StageSpec

HOSTILE = [
    "plain",
    "",
    " two  spaces ",
    "it's",
    "''",
    "'; touch /tmp/owned; '",
    "$HOME ${PATH} $(id) `id`",
    'a "b" c',
    "back\\slash \\n \\",
    "line\nbreak\n",
    "\r\n\t\x01\x7f\x1b[31m",
    "* ? [a-z] ~ {a,b} !x #y",
    "--help",
    "ünï\u4e2d\U0001f600\u0081\u0088",
]


def stage(run_text: str, **fields: object) -> StageSpec:
    return replace(StageSpec(name="main", run=run_text), **fields)  # type: ignore[arg-type]  # fields are given by name


def environ_of(ran_in: Path) -> Mapping[bytes, bytes]:
    pairs = (ran_in / "out" / "environ").read_bytes().rstrip(b"\0").split(b"\0")
    return dict(pair.split(b"=", 1) for pair in pairs)


def test_the_exit_code_and_logs_are_those_of_run(tmp_path: Path) -> None:
    ran = run(stage("echo out; echo err >&2; exit 7"), tmp_path)
    assert (ran.code, ran.stdout, ran.stderr, ran.ended) == (7, "out\n", "err\n", "")


def test_a_line_that_fails_does_not_stop_the_next_one(tmp_path: Path) -> None:
    ran = run(stage("false\necho on\n"), tmp_path)
    assert (ran.code, ran.stdout) == (0, "on\n")


@pytest.mark.parametrize(("text", "code"), [("if", 2), ("nonesuch", 127), ("kill -9 $$", 137), ("-x", 127)])
def test_a_run_that_cannot_run_ends_with_the_shells_code(tmp_path: Path, text: str, code: int) -> None:
    assert run(stage(text), tmp_path).code == code


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_values_arrive_byte_for_byte(tmp_path: Path, value: str, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    spec = stage("cat /proc/self/environ >$TOVI_OUT/environ", params={"p": value}, env={"E": value})
    cells = CellSpace(axes=(Axis("axis", (value,)),))
    ran = finish(start(replace(spec, cells=cells), environment(tmp_path), shell=shell), tmp_path)
    found = environ_of(tmp_path)
    assert (ran.code, found[b"p"], found[b"E"], found[b"axis"]) == (0, *[value.encode()] * 3)


@settings(max_examples=60)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200))
@example("'" * 300)
def test_any_value_arrives_byte_for_byte(value: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        run(stage("cat /proc/self/environ >$TOVI_OUT/environ", params={"p": value}), Path(folder))
        assert environ_of(Path(folder))[b"p"] == value.encode()


@settings(max_examples=30)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=100))
def test_any_run_text_reaches_its_shell_byte_for_byte(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        spec = stage(f"cat /proc/$$/cmdline >$TOVI_OUT/words; exit\n{text}")
        run(spec, Path(folder))
        words = (Path(folder) / "out" / "words").read_bytes().split(b"\0")
        assert words[:4] == [b"sh", b"-c", b"--", spec.run.encode()]


def test_an_array_has_its_index(tmp_path: Path) -> None:
    spec = stage("echo $TOVI_INDEX", cells=CellSpace(array=Range(5, 9)))
    assert run(spec, tmp_path, index=2).stdout == "7\n"


def test_home_temp_and_work_are_private_folders(tmp_path: Path) -> None:
    ran = run(stage("pwd; echo $HOME; echo $TMPDIR; touch $HOME/a $TMPDIR/b c"), tmp_path)
    scratch = tmp_path / "scratch"
    assert (ran.code, ran.stdout.split()) == (0, [f"{scratch}/{name}" for name in ("work", "home", "tmp")])


def test_run_reads_nothing_from_stdin(tmp_path: Path) -> None:
    assert run(stage("cat"), tmp_path).code == 0


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """Frozen code: read-only files and folders, a program, a link."""
    folder = tmp_path / "code"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "data.txt").write_text("frozen\n")
    (folder / "program").write_text("#!/bin/sh\necho run\n")
    (folder / ".hidden").write_text("")
    (folder / "link").symlink_to("deep/data.txt")
    for path, mode in (("deep/data.txt", 0o444), ("program", 0o555), ("deep", 0o555), ("", 0o555)):
        (folder / path).chmod(mode)
    return folder


def test_code_is_a_writable_copy(tmp_path: Path, code: Path) -> None:
    text = "./program; test -L link && ls -A; echo mine >>deep/data.txt; touch deep/new new; cat link"
    ran = run(stage(text), tmp_path, code=code)
    assert (ran.code, ran.stdout.split()) == (0, ["run", ".hidden", "deep", "link", "program", "frozen", "mine"])
    assert (code / "deep" / "data.txt").read_text() == "frozen\n"
    work = tmp_path / "scratch" / "work"
    assert all(path.stat().st_mode & 0o200 for path in (work, work / "deep", work / "program"))


def test_code_that_is_gone_ends_the_task_before_run(tmp_path: Path) -> None:
    ran = run(stage("echo never"), tmp_path, code=tmp_path / "nonesuch")
    assert (ran.code, ran.stdout) == (1, "")
    assert "cannot make a working copy" in ran.stderr


def test_outputs_keep_their_paths(tmp_path: Path) -> None:
    outputs = (Output("a/b/c.txt"), Output("it's $x/y"), Output("top"))
    text = 'mkdir -p a/b "it\'s \\$x/y"; echo 1 >a/b/c.txt; echo 2 >"it\'s \\$x/y/z"; echo 3 >top; echo 4 >other'
    ran = run(stage(text, outputs=outputs), tmp_path)
    assert (ran.code, ran.outputs) == (0, {"a/b/c.txt": "1\n", "it's $x/y/z": "2\n", "top": "3\n"})


def test_outputs_may_lie_in_each_other_or_be_written_in_place(tmp_path: Path) -> None:
    outputs = (Output("a/b", "inner"), Output("a", "outer"), Output("direct"), Output("both"))
    text = (
        "mkdir a both $TOVI_OUT/both; echo 1 >a/b; echo 2 >$TOVI_OUT/direct; echo 3 >both/x; echo 4 >$TOVI_OUT/both/y"
    )
    ran = run(stage(text, outputs=outputs), tmp_path)
    assert (ran.code, ran.outputs) == (0, {"a/b": "1\n", "direct": "2\n", "both/x": "3\n", "both/y": "4\n"})


def test_a_missing_output_fails_the_task_and_names_the_path(tmp_path: Path) -> None:
    ran = run(stage("echo 1 >there", outputs=(Output("first/gone"), Output("there"), Output("gone"))), tmp_path)
    assert (ran.code, ran.ended, ran.outputs) == (1, "outputs-missing gone", {"there": "1\n"})


def test_a_failed_run_leaves_the_outputs_it_made_and_keeps_its_code(tmp_path: Path) -> None:
    ran = run(stage("echo 1 >there; exit 5", outputs=(Output("there"), Output("gone"))), tmp_path)
    assert (ran.code, ran.ended, ran.outputs) == (5, "", {"there": "1\n"})


def test_metrics_are_collected_and_may_be_missing(tmp_path: Path) -> None:
    assert run(stage("echo {} >m.json", metrics="m.json"), tmp_path / "a").outputs == {"m.json": "{}\n"}
    assert run(stage("true", metrics="m.json"), tmp_path / "b").code == 0


def test_an_output_that_is_a_dangling_link_is_kept_as_such(tmp_path: Path) -> None:
    ran = run(stage("ln -s nowhere link", outputs=(Output("link"),)), tmp_path)
    assert (ran.code, os.readlink(tmp_path / "out" / "link")) == (0, "nowhere")


def wait_for_line(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout is not None
    return process.stdout.readline()


@pytest.mark.parametrize("name", ["TERM", "USR1", "USR2", "HUP"])
def test_a_signal_reaches_the_program(tmp_path: Path, name: str) -> None:
    text = f"trap 'echo got {name}; exit 4' {name}; echo ready; while :; do sleep 0.05; done"
    process = start(stage(text, outputs=()), environment(tmp_path))
    assert wait_for_line(process) == b"ready\n"
    os.kill(process.pid, signal.Signals[f"SIG{name}"])
    ran = finish(process, tmp_path)
    assert (ran.code, ran.stdout) == (4, f"got {name}\n")


def test_an_interrupt_reaches_the_program_as_term(tmp_path: Path) -> None:
    process = start(stage("trap 'exit 4' TERM; echo ready; while :; do sleep 0.05; done"), environment(tmp_path))
    assert wait_for_line(process) == b"ready\n"
    os.kill(process.pid, signal.SIGINT)
    assert finish(process, tmp_path).code == 4


def test_outputs_are_collected_after_a_signal(tmp_path: Path) -> None:
    text = "trap 'echo saved >ckpt; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
    process = start(stage(text, outputs=(Output("ckpt"),)), environment(tmp_path))
    assert wait_for_line(process) == b"ready\n"
    os.kill(process.pid, signal.SIGTERM)
    ran = finish(process, tmp_path)
    assert (ran.code, ran.outputs) == (0, {"ckpt": "saved\n"})


def test_term_ends_what_the_runs_shell_started_too(tmp_path: Path) -> None:
    process = start(stage("echo ready; sleep 100; echo never"), environment(tmp_path))
    assert wait_for_line(process) == b"ready\n"
    os.kill(process.pid, signal.SIGTERM)
    ran = finish(process, tmp_path)  # its pipes close only when the last of the group has ended
    assert (ran.code, ran.stdout) == (143, "")


def test_who_signals_the_group_itself_is_not_doubled(tmp_path: Path) -> None:
    text = "exec python3 -c '" + (
        "import signal, time\n"
        "got = []\n"
        "signal.signal(signal.SIGTERM, lambda *_: got.append(1))\n"
        'print("ready", flush=True)\n'
        "while not got: time.sleep(0.02)\n"
        "time.sleep(0.2)\n"
        "raise SystemExit(10 + len(got))'"
    )
    process = start(stage(text), {**environment(tmp_path), "TOVI_SIGNALS": "group"})
    assert wait_for_line(process) == b"ready\n"
    os.killpg(process.pid, signal.SIGTERM)
    assert finish(process, tmp_path).code == 11


def test_a_task_that_needs_nothing_starts_no_other_program(tmp_path: Path) -> None:
    variables = environment(tmp_path)
    for name in ("work", "home", "tmp"):
        (tmp_path / "scratch" / name).mkdir()
    (tmp_path / "empty").mkdir()
    shell = shutil.which("sh")
    assert shell is not None
    (tmp_path / "empty" / "sh").symlink_to(shell)
    text = render(stage("echo hi"), cell(stage("echo hi"), 0))
    only_sh = {**variables, "PATH": str(tmp_path / "empty")}
    done = subprocess.run([shell, "-c", text], env=only_sh, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"hi\n", b"")
