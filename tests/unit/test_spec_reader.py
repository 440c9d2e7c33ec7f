"""A tovi.yaml to a Spec: what each key means."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tovi_server.core.errors import InvalidSpecError
from tovi_server.core.resources import GIB, MIB, Resources
from tovi_server.core.retry import Cause, RetryPolicy
from tovi_server.core.spec import (
    DEFAULT_REQUEST,
    Axis,
    CellSpace,
    DataMount,
    Input,
    Output,
    Priority,
    Range,
    Spec,
    StageSpec,
)
from tovi_server.core.spec_reader import read_spec


def stage(text: str) -> StageSpec:
    """The only stage of `run: x` and the text."""
    return read_spec(f"run: x\n{text}").stages[0]


def test_run_alone_is_a_whole_file() -> None:
    assert Spec(stages=(StageSpec(name="main", run="python train.py"),)) == read_spec("run: python train.py")


def test_what_is_of_the_whole_job() -> None:
    found = read_spec(
        "tovi: 1\nname: Größe 3\nproject: astro\nqueue: big\npriority: high\ntags: [a b, c, a b]\nrun: x\n"
    )
    assert (found.name, found.project, found.queue) == ("Größe 3", "astro", "big")
    assert (found.priority, found.tags) == (Priority.HIGH, ("a b", "c"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", DEFAULT_REQUEST),
        ("{cpus: 8}", Resources(8000, 2 * GIB, 10 * GIB)),
        ("{cpus: 0.25}", Resources(250, 2 * GIB, 10 * GIB)),
        ('{cpus: "2.5"}', Resources(2500, 2 * GIB, 10 * GIB)),
        ("{memory: 512M, disk: 1.5T}", Resources(1000, 512 * MIB, 1536 * GIB)),
        ("{memory: 32Gi}", Resources(1000, 32 * GIB, 10 * GIB)),
        ("{gpus: 2}", Resources(1000, 2 * GIB, 10 * GIB, gpus=2)),
        ("{gpus: 1, gpu: H100}", Resources(1000, 2 * GIB, 10 * GIB, gpus=1, gpu_models=("h100",))),
        ("{gpus: 1, gpu: [a100, H100]}", Resources(1000, 2 * GIB, 10 * GIB, gpus=1, gpu_models=("a100", "h100"))),
        ('{gpus: 1, gpu: "40G+"}', Resources(1000, 2 * GIB, 10 * GIB, gpus=1, gpu_memory_bytes=40 * GIB)),
    ],
)
def test_resources(text: str, expected: Resources) -> None:
    assert stage(f"resources: {text}").request == expected


def test_an_amount_that_could_be_read_as_decimal_is_said_once() -> None:
    assert read_spec("run: x\nresources: {memory: 32G, disk: 5G}\n").notices == (
        "memory 32G means 32 GiB: units are binary",
    )
    assert read_spec("run: x\nresources: {memory: 32Gi}\n").notices == ()


def test_timeout_and_image() -> None:
    found = stage("timeout: 2d12h\nimage: ghcr.io/astro/lens:1.8\n")
    assert (found.timeout, found.image) == (timedelta(days=2, hours=12), "ghcr.io/astro/lens:1.8")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2", RetryPolicy(max=2)),
        ("0", RetryPolicy()),
        ("{max: 3}", RetryPolicy(max=3)),
        (
            "{max: 3, when: [node_failure, oom, timeout, exit: [75, 1]]}",
            RetryPolicy(3, (Cause.NODE_FAILURE, Cause.OOM, Cause.TIMEOUT), (75, 1)),
        ),
    ],
)
def test_retries(text: str, expected: RetryPolicy) -> None:
    assert stage(f"retries: {text}").retries == expected


def test_values_of_variables_are_the_texts_as_written() -> None:
    params = "{a: 1e-2, b: 010, c: yes, d: 1:30:00, e: 3.10, f: 0x1F, g: '', h: 2024-01-01, i: true, j: \"a\\nb\"}"
    expected = ["1e-2", "010", "yes", "1:30:00", "3.10", "0x1F", "", "2024-01-01", "true"]
    assert [*expected, "a\nb"] == list(stage(f"params: {params}").params.values())


def test_env_may_change_programs() -> None:
    env = {"PYTHONPATH": "src", "LD_LIBRARY_PATH": "/opt/lib", "CUDA_LAUNCH_BLOCKING": "1"}
    assert stage("env: {PYTHONPATH: src, LD_LIBRARY_PATH: /opt/lib, CUDA_LAUNCH_BLOCKING: 1}").env == env


def test_files() -> None:
    found = stage(
        "data: {raw: datasets/lens raw/, b: datasets/b}\noutputs: [./a/, b/c.txt]\nmetrics: m.json\n"
        "setup: pip install .\nsetup_files: [x/requirements.txt]\n"
    )
    assert found.data == (DataMount("raw", "lens raw"), DataMount("b", "b"))
    assert found.outputs == (Output("a"), Output("b/c.txt"))
    assert (found.metrics, found.setup, found.setup_files) == ("m.json", "pip install .", ("x/requirements.txt",))
    assert stage("outputs: {best: ckpt/best.pt}").outputs == (Output("ckpt/best.pt", "best"),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("array: 0..99", CellSpace(array=Range(0, 99))),
        ("array: -3..-1", CellSpace(array=Range(-3, -1))),
        ("matrix: {seed: 0..4}", CellSpace(axes=(Axis("seed", Range(0, 4)),))),
        ("matrix: {lr: [0.1, 1e-2]}", CellSpace(axes=(Axis("lr", ("0.1", "1e-2")),))),
        ('matrix: {v: ["0..4", null_]}', CellSpace(axes=(Axis("v", ("0..4", "null_")),))),
        (
            "matrix: {lr: [1e-3, x], seed: 0..2, exclude: [{lr: 0.001, seed: 1.0}, {lr: x}]}",
            CellSpace(
                axes=(Axis("lr", ("1e-3", "x")), Axis("seed", Range(0, 2))),
                exclude=({"lr": "1e-3", "seed": "1"}, {"lr": "x"}),
            ),
        ),
        (
            "matrix: {a: [1], include: [{a: 2}]}",
            CellSpace(axes=(Axis("a", ("1",)),), include=({"a": "2"},)),
        ),
        (
            "matrix: {include: [{a: 1, b: 2}, {b: 3, a: 4}]}",
            CellSpace(include=({"a": "1", "b": "2"}, {"a": "4", "b": "3"})),
        ),
    ],
)
def test_matrix_and_array(text: str, expected: CellSpace) -> None:
    assert stage(text).cells == expected


STAGES = """
params: {epochs: 50, lr: 1}
env: {A: 1}
data: {raw: datasets/raw}
defaults: {image: base, setup: s, resources: {cpus: 4, memory: 16Gi}, timeout: 2h, retries: 1, max_concurrent: 3}
stages:
  prepare: {run: p, outputs: {shards: shards/}}
  train:
    run: t
    needs: [prepare]
    inputs: {parts: prepare.shards, prepare: prepare}
    matrix: {lr: [1, 2]}
    params: {epochs: 5, more: 1}
    env: {B: 2}
    data: {extra: datasets/extra}
    image: own
    resources: {gpus: 1}
    timeout: 12h
    retries: 0
    max_concurrent: 4
"""


def test_stages_get_what_stands_for_all_of_them() -> None:
    prepare = read_spec(STAGES).stage("prepare")
    assert (prepare.params, prepare.env) == ({"epochs": "50", "lr": "1"}, {"A": "1"})
    assert (prepare.data, prepare.image, prepare.setup) == ((DataMount("raw", "raw"),), "base", "s")
    assert (prepare.request.cpu_millicores, prepare.request.memory_bytes) == (4000, 16 * GIB)
    assert (prepare.timeout, prepare.retries, prepare.max_concurrent) == (timedelta(hours=2), RetryPolicy(1), 3)


def test_a_stage_says_otherwise_for_itself() -> None:
    train = read_spec(STAGES).stage("train")
    assert (train.params, train.env) == ({"epochs": "5", "lr": "1", "more": "1"}, {"A": "1", "B": "2"})
    assert train.data == (DataMount("raw", "raw"), DataMount("extra", "extra"))
    assert (train.image, train.setup, train.needs) == ("own", "s", ("prepare",))
    assert train.inputs == (Input("parts", "prepare", "shards"), Input("prepare", "prepare", None))
    assert (train.request.cpu_millicores, train.request.gpus) == (4000, 1)
    assert (train.timeout, train.retries, train.max_concurrent) == (timedelta(hours=12), RetryPolicy(0), 4)


def test_parameters_given_beside_the_file_replace_its_values() -> None:
    found = read_spec(STAGES, params={"epochs": "1e1", "more": "it's"})
    assert [found.stage(name).params["epochs"] for name in ("prepare", "train")] == ["1e1", "1e1"]
    assert "more" not in found.stage("prepare").params
    assert found.stage("train").params["more"] == "it's"


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"epoch": "1"}, 'there is no parameter "epoch"'),
        ({"seed": "1"}, '"seed" is part of the matrix'),
        ({"epochs": "a\0b"}, 'the value of parameter "epochs" fits into no variable'),
        ({"epochs": "\udcff"}, 'the value of parameter "epochs" is not UTF-8 text'),
        ({"epochs": "x" * 40_000}, 'the value of parameter "epochs" fits into no variable'),
    ],
)
def test_parameters_that_cannot_be_given_are_refused(given: dict[str, str], what: str) -> None:
    with pytest.raises(InvalidSpecError) as raised:
        read_spec("run: x\nparams: {epochs: 5}\nmatrix: {seed: 0..2}\n", params=given)
    assert raised.value.what == what


def test_one_node_may_be_said() -> None:
    assert stage("nodes: 1").run == "x"
