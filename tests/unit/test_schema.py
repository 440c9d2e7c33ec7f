"""The JSON Schema agrees with the reader: what one takes, so does the other."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import pytest

from tovi_server.core.errors import InvalidSpecError
from tovi_server.core.schema import Json, Rule, schema
from tovi_server.core.spec_reader import read_spec
from tovi_server.core.spec_reader_keys import DEFAULTS, ONE_STAGE_JOB, STAGE
from tovi_server.core.yaml_node import Items, Node, Scalar, Table
from tovi_server.core.yaml_reader import read_document

EXAMPLES = sorted(Path(__file__).parents[2].glob("examples/*/tovi.yaml"))

GOOD = {
    "one line": "run: python train.py",
    "sweep": """
name: cifar-sweep
image: pytorch/pytorch:2.6.0-cuda12.4-cudnn9-runtime
setup: pip install -r requirements.txt
setup_files: [requirements.txt]
data: {cifar: datasets/cifar10}
resources: {cpus: 8, memory: 32G, gpus: 1, gpu: [h100, a100], disk: 1.5Ti}
timeout: 2d12h
retries: {max: 2, when: [node_failure, exit: [75]]}
env: {A: 1, B: true, C: x}
params: {epochs: 50}
matrix: {lr: [0.1, 1e-2, x], seed: 0..4, exclude: [{lr: x}], include: [{lr: 1, seed: 9}]}
max_concurrent: 6
run: python train.py
outputs: [checkpoints/, metrics.json]
metrics: metrics.json
nodes: 1
""",
    "pipeline": """
tovi: 1
name: lens-survey
project: astro
queue: big
tags: [paper2, ablation]
priority: normal
params: {epochs: 50}
data: {raw: datasets/lens-raw}
defaults: {image: x, setup: uv sync, resources: {cpus: 0.5}, timeout: 2h, retries: 1, max_concurrent: 2}
stages:
  prepare: {run: python prep.py, outputs: {shards: shards/}}
  train: {run: t, needs: [prepare], inputs: {shards: prepare.shards}, array: 0..99}
""",
}
BAD = {
    "no run": "name: x",
    "unknown key": "run: x\nrum: y",
    "unknown key of a stage": "stages: {a: {run: x, name: y}}",
    "run beside stages": "run: x\nstages: {a: {run: x}}",
    "name of a stage": "stages: {Train: {run: x}}",
    "no stages": "stages: {}",
    "amount": "run: x\nresources: {memory: 32}",
    "duration": "run: x\ntimeout: 90",
    "retries": "run: x\nretries: {when: [oom]}",
    "cause": "run: x\nretries: {max: 1, when: [never]}",
    "exit code": "run: x\nretries: {max: 1, when: [exit: [256]]}",
    "priority": "run: x\npriority: top",
    "version": "tovi: 2\nrun: x",
    "variable": "run: x\nenv: {a-b: 1}",
    "list as value": "run: x\nparams: {a: [1]}",
    "axis": "run: x\nmatrix: {a: 3}",
    "array": "run: x\narray: 3",
    "dataset version": "run: x\ndata: {a: datasets/b@v3}",
    "absolute path": "run: x\noutputs: [/etc]",
    "nodes": "run: x\nnodes: 2",
    "not built": "run: x\nwhen: always",
}


def plain(node: Node) -> Json:
    """The node as an editor sees it."""
    if isinstance(node, Table):
        return {entry.key.text: plain(entry.value) for entry in node.entries}
    if isinstance(node, Items):
        return [plain(item) for item in node.nodes]
    return _scalar(node)


def _scalar(node: Scalar) -> Json:
    if node.plain and re.fullmatch(r"[-+]?\d+", node.text):
        return int(node.text)
    if node.plain and re.fullmatch(r"[-+]?\d+\.\d*|[-+]?\d+(\.\d*)?[eE][-+]?\d+", node.text):
        return float(node.text)
    return {"true": True, "false": False}.get(node.text, node.text) if node.plain else node.text


TYPES: Mapping[str, Callable[[Json], bool]] = {
    "object": lambda value: isinstance(value, Mapping),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
}


def accepts(rule: Rule, value: Json, root: Rule) -> bool:
    """Whether a value meets a rule: just the keywords that the schema uses."""
    return all(_meets(keyword, wanted, rule, value, root) for keyword, wanted in rule.items())


def _meets(keyword: str, wanted: Json, rule: Rule, value: Json, root: Rule) -> bool:
    match keyword, wanted:
        case (("$schema" | "title" | "description" | "examples" | "$defs"), _):
            return True
        case "$ref", str():
            defs = cast("Mapping[str, Rule]", root["$defs"])
            return accepts(defs[wanted.removeprefix("#/$defs/")], value, root)
        case "type", str():
            return TYPES[wanted](value)
        case "type", list():
            return any(TYPES[str(one)](value) for one in wanted)
        case "enum", list():
            return value in wanted
        case "const", _:
            return value == wanted
        case "oneOf", list():
            return sum(accepts(cast("Rule", one), value, root) for one in wanted) == 1
        case "not", Mapping():
            return not accepts(wanted, value, root)
        case "required", list():
            return not isinstance(value, Mapping) or all(name in value for name in wanted)
        case "pattern", str():
            return not isinstance(value, str) or re.search(wanted, value) is not None
        case (("minLength" | "minItems" | "minProperties"), int()):
            return not isinstance(value, Mapping | str | list) or len(value) >= wanted
        case "minimum", int():
            return not isinstance(value, int | float) or value >= wanted
        case "exclusiveMinimum", int():
            return not isinstance(value, int | float) or value > wanted
        case "maximum", int():
            return not isinstance(value, int | float) or value <= wanted
        case "items", Mapping():
            return (
                not isinstance(value, Sequence)
                or isinstance(value, str)
                or all(accepts(wanted, one, root) for one in value)
            )
        case "propertyNames", Mapping():
            return not isinstance(value, Mapping) or all(accepts(wanted, name, root) for name in value)
        case "properties", Mapping():
            known = cast("Mapping[str, Rule]", wanted)
            return not isinstance(value, Mapping) or all(
                accepts(known[name], one, root) for name, one in value.items() if name in known
            )
        case "additionalProperties", _:
            others = _others(rule, value)
            return not others if wanted is False else all(accepts(cast("Rule", wanted), one, root) for one in others)
    raise AssertionError(f"the schema uses {keyword}, which this test does not know")


def _others(rule: Rule, value: Json) -> list[Json]:
    known = cast("Mapping[str, Rule]", rule.get("properties", {}))
    return [one for name, one in value.items() if name not in known] if isinstance(value, Mapping) else []


@pytest.mark.parametrize("name", GOOD)
def test_what_the_reader_takes_the_schema_takes(name: str) -> None:
    read_spec(GOOD[name])
    assert accepts(schema(), plain(read_document(GOOD[name])), schema())


@pytest.mark.parametrize("name", BAD)
def test_what_the_schema_refuses_the_reader_refuses(name: str) -> None:
    with pytest.raises(InvalidSpecError):
        read_spec(BAD[name])
    assert not accepts(schema(), plain(read_document(BAD[name])), schema())


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_every_example_is_valid(path: Path) -> None:
    text = path.read_text()
    read_spec(text)
    assert accepts(schema(), plain(read_document(text)), schema())


def test_the_schema_knows_the_readers_keys_and_is_plain_json() -> None:
    found = json.loads(json.dumps(schema()))
    assert set(found["properties"]) == set(ONE_STAGE_JOB)
    assert set(found["$defs"]["stage"]["properties"]) == set(STAGE)
    assert set(found["$defs"]["defaults"]["properties"]) == set(DEFAULTS)
