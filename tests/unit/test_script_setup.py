"""`setup` in rendered scripts, run by a real `sh`: once for all who need it, and what it depends on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.script_machine import environment, finish, run, start
from tovi_server.core.script import env_key, is_setup_file
from tovi_server.core.spec import StageSpec

HASHES = {"requirements.txt": "aa", "src/requirements.txt": "bb", "main.py": "cc", "extra.cfg": "dd"}


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A PATH with the usual small tools and no Python, as a plain image has."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("sh", "cat", "cp", "chmod", "flock", "mkdir", "mv", "rm", "sleep"):
        found = next(place for place in (Path("/bin") / name, Path("/usr/bin") / name) if place.exists())
        (folder / name).symlink_to(found)
    return folder


def stage(setup: str, text: str = "true") -> StageSpec:
    return StageSpec(name="main", run=text, setup=setup)


def test_two_tasks_at_once_set_up_once(tmp_path: Path, tools: Path) -> None:
    env = tmp_path / "env"
    spec = stage(f"echo x >>{tmp_path}/times; sleep 0.3; echo made >$TOVI_ENV/bin/tool", "cat $TOVI_ENV/bin/tool")

    def one(name: str) -> tuple[int, str]:
        variables = {**environment(tmp_path / name, env=env), "PATH": str(tools)}
        ran = finish(start(spec, variables), tmp_path / name)
        return ran.code, ran.stdout

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(one, ["a", "b"])) == [(0, "made\n"), (0, "made\n")]
    assert one("c") == (0, "made\n")
    assert (tmp_path / "times").read_text() == "x\n"


def test_what_setup_installs_is_first_on_the_path(tmp_path: Path, tools: Path) -> None:
    spec = stage('printf "#!/bin/sh\\necho mine\\n" >$TOVI_ENV/bin/cat; chmod +x $TOVI_ENV/bin/cat', "cat")
    ran = finish(start(spec, {**environment(tmp_path), "PATH": str(tools)}), tmp_path)
    assert (ran.code, ran.stdout) == (0, "mine\n")


def test_setup_stops_at_the_first_failure_and_run_is_not_run(tmp_path: Path, tools: Path) -> None:
    spec = stage("echo one\nsh -c 'exit 6'\necho two", "echo never")
    ran = finish(start(spec, {**environment(tmp_path), "PATH": str(tools)}), tmp_path)
    assert (ran.code, ran.stdout, ran.ended) == (6, "one\n", "setup-failed")
    assert "setup failed with exit code 6" in ran.stderr


def test_a_setup_that_failed_is_begun_afresh(tmp_path: Path, tools: Path) -> None:
    env = tmp_path / "env"
    spec = stage('sh -c "exit $code"', "test ! -e $TOVI_ENV/old")
    for name, code in (("a", "1"), ("b", "0")):
        (env / "old").mkdir(parents=True, exist_ok=True)
        variables = {**environment(tmp_path / name, env=env), "PATH": str(tools)}
        ran = finish(start(replace(spec, params={"code": code}), variables), tmp_path / name)
        assert ran.code == int(code)


def test_setup_sees_code_and_variables_but_leaves_the_working_copy_alone(tmp_path: Path, tools: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "list.txt").write_text("from code\n")
    spec = replace(stage('cat list.txt >$TOVI_ENV/seen; echo "$p" >>$TOVI_ENV/seen; echo >made'), params={"p": "it's"})
    spec = replace(spec, run="cat $TOVI_ENV/seen; test ! -e made")
    ran = finish(start(spec, {**environment(tmp_path, code=code), "PATH": str(tools)}), tmp_path)
    assert (ran.code, ran.stdout) == (0, "from code\nit's\n")


def test_without_flock_a_task_has_a_setup_of_its_own(tmp_path: Path, tools: Path) -> None:
    (tools / "flock").unlink()
    spec = stage("echo made >$TOVI_ENV/made", "cat $TOVI_ENV/made")
    ran = finish(start(spec, {**environment(tmp_path), "PATH": str(tools)}), tmp_path)
    assert (ran.code, ran.stdout, (tmp_path / "env").exists()) == (0, "made\n", False)


def test_a_process_that_setup_leaves_behind_does_not_keep_the_lock(tmp_path: Path, tools: Path) -> None:
    spec = stage("sleep 1000 >/dev/null 2>&1 & echo $! >$TOVI_ENV/pid; sh -c 'exit 1'")
    variables = {**environment(tmp_path / "a", env=tmp_path / "env"), "PATH": str(tools)}
    assert finish(start(spec, variables), tmp_path / "a").code == 1
    pid = (tmp_path / "env" / "pid").read_text().strip()
    again = {**environment(tmp_path / "b", env=tmp_path / "env"), "PATH": str(tools)}
    assert finish(start(stage(f"kill {pid}"), again), tmp_path / "b").code == 0


def test_where_there_is_python_setup_gets_a_virtual_environment_with_pip(tmp_path: Path) -> None:
    ran = run(
        stage("pip --version >$TOVI_ENV/pip", 'python -c "import sys; print(sys.prefix)"; cat $TOVI_ENV/pip'), tmp_path
    )
    prefix, version = ran.stdout.splitlines()
    assert (ran.code, prefix, version.split()[0]) == (0, str(tmp_path / "env"), "pip")


def test_a_key_names_text_image_and_setup_files() -> None:
    spec = stage("pip install -r requirements.txt")
    keys = {
        env_key(spec, HASHES),
        env_key(stage("other"), HASHES),
        env_key(replace(spec, image="python:3.12"), HASHES),
        env_key(spec, {**HASHES, "requirements.txt": "ab"}),
        env_key(spec, {}),
        env_key(replace(spec, setup_files=("extra.cfg",)), HASHES),
    }
    assert len(keys) == 6


def test_other_files_and_variables_do_not_change_a_key() -> None:
    spec = stage("x")
    same = env_key(replace(spec, params={"a": "1"}, run="y"), {**HASHES, "main.py": "00", "src/requirements.txt": "00"})
    assert same == env_key(spec, HASHES)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("requirements.txt", True),
        ("requirements-dev.txt", True),
        ("pyproject.toml", True),
        ("package-lock.json", True),
        ("requirements/dev.txt", False),
        ("src/pyproject.toml", False),
        ("train.py", False),
    ],
)
def test_the_usual_setup_files_lie_at_the_top(path: str, expected: bool) -> None:
    assert is_setup_file(stage("x"), path) is expected


def test_named_setup_files_replace_the_usual_ones() -> None:
    spec = replace(stage("x"), setup_files=("env/list.txt",))
    assert [is_setup_file(spec, path) for path in ("env/list.txt", "requirements.txt")] == [True, False]
