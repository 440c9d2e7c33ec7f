"""A whole pipeline as one script, run by a real `sh` as somebody without Tovi would run it."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tovi_server.core.errors import InvalidSpecError
from tovi_server.core.script import compile_pipeline
from tovi_server.core.spec_reader import read_spec

PIPELINE = r"""
data: {raw: datasets/raw}
env: {WHERE: "it's here"}
stages:
  report:
    needs: [select, train]
    run: cat $TOVI_IN/select/best.txt $TOVI_IN/all/1/model/m
    inputs: {all: train}
  prepare:
    run: sh prepare.sh
    outputs: {shards: shards/}
  train:
    needs: [prepare]
    inputs: {parts: prepare.shards}
    matrix:
      lr: [1e-2, "a 'b' $c"]
      seed: 0..2
      exclude: [{lr: 0.01, seed: 2}]
    retries: 1
    run: |
      echo "$TOVI_TASK/$TOVI_ATTEMPT $TOVI_INDEX $lr $seed $WHERE"
      mkdir model; cat $TOVI_IN/parts/one >model/m; echo "$seed" >>model/m
      echo "{\"seed\": $seed}" >metrics.json
      test $seed != 1 -o $TOVI_ATTEMPT = 2
    outputs: {model: model}
    metrics: metrics.json
  select:
    needs: [train]
    inputs: {models: train.model}
    run: ls $TOVI_IN/train >best.txt; cat $TOVI_IN/models/4/m >>best.txt
    outputs: [best.txt]
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder of code with a dataset beside it, on a path with a space."""
    folder = tmp_path / "my code"
    (folder / "datasets" / "raw").mkdir(parents=True)
    (folder / "datasets" / "raw" / "x").write_text("raw\n")
    (folder / "prepare.sh").write_text("mkdir shards; cat $TOVI_DATA/raw/x >shards/one; test ! -e datasets\n")
    return folder


def run(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    script = compile_pipeline(read_spec(text))
    return subprocess.run(["sh"], input=script, cwd=folder, text=True, capture_output=True, timeout=60, check=False)


def test_a_pipeline_runs_in_order_and_leaves_the_servers_tree(here: Path) -> None:
    done = run(PIPELINE, here)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "0.train.0/1 0 1e-2 0 it's here",
        "0.train.1/1 1 1e-2 1 it's here",
        "0.train.1/2 1 1e-2 1 it's here",
        "0.train.2/1 2 a 'b' $c 0 it's here",
        "0.train.3/1 3 a 'b' $c 1 it's here",
        "0.train.3/2 3 a 'b' $c 1 it's here",
        "0.train.4/1 4 a 'b' $c 2 it's here",
        *["0", "1", "2", "3", "4", "raw", "2"],
        *["raw", "1"],
    ]
    out = here / "tovi-out"
    assert (out / "train.1" / "outputs" / "model" / "m").read_text() == "raw\n1\n"
    assert (out / "train.1" / "metrics.json").read_text() == '{"seed": 1}\n'
    assert (out / "train.1" / "attempts" / "1" / "stdout.log").read_text() == "0.train.1/1 1 1e-2 1 it's here\n"
    assert sorted(path.name for path in (out / "train.1" / "attempts").iterdir()) == ["1", "2"]
    assert sorted(path.name for path in here.iterdir()) == ["datasets", "prepare.sh", "tovi-out"]


def test_a_failed_stage_skips_what_needs_it_and_nothing_else(here: Path) -> None:
    text = """
stages:
  bad: {run: "echo bad >&2; exit 9", retries: {max: 3, when: [exit: [75]]}}
  after: {needs: [bad], run: echo never}
  last: {needs: [after], run: echo never}
  other: {run: echo other}
"""
    done = run(text, here)
    assert (done.returncode, done.stdout) == (1, "other\n")
    assert done.stderr.splitlines() == [
        "bad",
        "tovi: bad.0: failed (exit code 9)",
        "tovi: after: skipped, because bad did not succeed",
        "tovi: last: skipped, because after did not succeed",
        f"tovi: other.0: succeeded, in {here}/tovi-out/other.0",
    ]


@pytest.mark.parametrize(
    ("when", "attempts"), [("[exit: [75]]", 3), ("[oom]", 1), ("[error]", 3), ("[timeout, exit: [1, 75]]", 3)]
)
def test_retries_depend_on_the_cause(here: Path, when: str, attempts: int) -> None:
    done = run(f"run: echo try; exit 75\nretries: {{max: 2, when: {when}}}\n", here)
    assert (done.returncode, done.stdout) == (1, "try\n" * attempts)


def test_the_time_limit_is_kept(here: Path) -> None:
    done = run("run: echo begun; sleep 50; echo never\ntimeout: 1s\n", here)
    assert (done.returncode, done.stdout) == (1, "begun\n")
    assert "main.0: failed (time limit)" in done.stderr


def test_variables_of_one_stage_do_not_reach_the_next(here: Path) -> None:
    text = "stages:\n  a: {run: 'echo $x', params: {x: 1}}\n  b: {run: 'echo ${x-none}', array: 3..3}\n"
    assert run(text, here).stdout == "1\nnone\n"


def test_setup_is_made_once_and_again_when_its_files_change(here: Path) -> None:
    text = 'setup: echo set up; cp requirements.txt "$TOVI_ENV"\nrun: cat "$TOVI_ENV/requirements.txt"\narray: 0..1\n'
    (here / "requirements.txt").write_text("one\n")
    assert run(text, here).stdout == "set up\none\none\n"
    assert run(text, here).stdout == "one\none\n"
    (here / "requirements.txt").write_text("two\n")
    assert run(text, here).stdout == "set up\ntwo\ntwo\n"


def test_a_dataset_that_is_not_there_is_named(here: Path) -> None:
    done = run("run: echo never\ndata: {x: datasets/gone}\n", here)
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is no datasets/gone here" in done.stderr


def test_results_go_where_one_says(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOVI_ROOT", "deep/results")
    assert run("run: echo 1 >x\noutputs: [x]\n", here).returncode == 0
    assert (here / "deep" / "results" / "main.0" / "outputs" / "x").read_text() == "1\n"


def test_a_script_that_arrived_in_part_runs_nothing(here: Path) -> None:
    script = compile_pipeline(read_spec(PIPELINE))
    for size in range(0, len(script) - 10, 997):
        cut = subprocess.run(["sh"], input=script[:size], cwd=here, text=True, capture_output=True, check=False)
        assert cut.stdout == ""
    assert not (here / "tovi-out").exists()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_told_to_end_it_ends_the_task_and_itself(here: Path, name: str) -> None:
    script = compile_pipeline(read_spec("array: 0..9\nrun: echo begun >>$OLDPWD/seen; sleep 60; echo never\n"))
    script = script.replace("$OLDPWD/seen", f"'{here}/seen'".replace("'", "'\\''"))
    (here / "pipeline.sh").write_text(script)
    os.mkfifo(here / "seen")
    process = subprocess.Popen(["sh", "pipeline.sh"], cwd=here, stderr=subprocess.PIPE, start_new_session=True)
    assert (here / "seen").read_text() == "begun\n"
    os.kill(process.pid, signal.Signals[name])
    _, stderr = process.communicate(timeout=30)
    assert (process.returncode, stderr.decode().splitlines()[-1]) == (143, "tovi: main: stopped")


def test_more_tasks_than_one_machine_should_run_are_refused() -> None:
    with pytest.raises(InvalidSpecError, match="10001 tasks"):
        compile_pipeline(read_spec("run: x\narray: 0..10000\n"))
