"""What a tovi.yaml cannot say: each error names file, line, column, path, value and limit."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tovi_server.core.errors import InvalidSpecError, NotYetSupportedError, ToviError
from tovi_server.core.spec_reader import read_spec
from tovi_server.core.spec_reader_keys import ONE_STAGE_JOB, STAGE_LATER

CASES = [
    # The whole file
    ("- a\n", "1:1: this is a list"),
    ("echo hi\n", '1:1: this is the value "echo hi"'),
    ("name: x\n", "1:1: there is no `run`"),
    ("run:\n", "1:5: run: this has no value"),
    ("run: ~\n", "1:6: run: this has no value"),
    ('run: "  "\n', "1:6: run: this is empty"),
    ("run: [a, b]\n", "1:6: run: this is a list"),
    (f"run: {'x' * 100_001}\n", "1:6: run: this has 100001 bytes"),
    ("tovi: 2\nrun: x\n", '1:7: tovi: "2" is out of range'),
    ("run: x\nrsources: {gpus: 1}\n", '2:1: there is no key "rsources"'),
    ("run: x\nresources: {memry: 1G}\n", '2:13: resources: there is no key "memry"'),
    ("run: x\n'a\tb': 1\n", '2:1: there is no key "a\\x09b"'),
    ("run: x\nname: 'a\n\n  b'\n", '2:7: name: "a\\x0ab" is not a line of text'),
    (f"run: x\nname: {'n' * 101}\n", "has 101 characters"),
    ("run: x\npriority: hihg\n", '2:11: priority: "hihg" is not known here'),
    ("run: x\ntags: []\n", "2:7: tags: this list is empty"),
    ("run: x\ntags: a\n", '2:7: tags: this is the value "a"'),
    # Amounts
    ("run: x\nresources: {memory: 32}\n", '2:21: resources.memory: "32" is not an amount of memory'),
    ("run: x\nresources: {memory: 0G}\n", '2:21: resources.memory: "0G" is out of range'),
    ("run: x\nresources: {memory: 9999999T}\n", '"9999999T" is out of range'),
    ("run: x\nresources: {cpus: 0}\n", '2:19: resources.cpus: "0" is not a number of cpus'),
    ("run: x\nresources: {cpus: -1}\n", '"-1" is not a number of cpus'),
    ("run: x\nresources: {cpus: 1e3}\n", '"1e3" is not a number of cpus'),
    (f"run: x\nresources: {{cpus: {'9' * 5000}}}\n", "is not a number of cpus"),
    ("run: x\nresources: {gpus: 1.5}\n", '"1.5" is not a whole number'),
    ("run: x\nresources: {gpus: '1'}\n", '"1" is not a whole number'),
    (f"run: x\nresources: {{gpus: {'9' * 5000}}}\n", "is out of range"),
    ("run: x\nresources: {gpu: h100}\n", "2:18: resources.gpu: this asks for a kind of GPU, but for no GPU"),
    ("run: x\nresources: {gpus: 1, gpu: '40+'}\n", '"40" is not an amount of memory'),
    ("run: x\nresources: {gpus: 1, gpu: '$x'}\n", '"$x" is not a kind of GPU'),
    ("run: x\ntimeout: 90\n", '2:10: timeout: "90" is not a duration'),
    ("run: x\ntimeout: 0s\n", '"0s" is not a duration'),
    ("run: x\nretries: -1\n", '2:10: retries: "-1" is out of range'),
    ("run: x\nretries: {when: [oom]}\n", "2:10: retries: this does not say how often"),
    ("run: x\nretries: {max: 1, when: [ooom]}\n", '2:26: retries.when[0]: "ooom" is not known here'),
    ("run: x\nretries: {max: 1, when: [exit: [0]]}\n", '2:33: retries.when[0].exit[0]: "0" is out of range'),
    ("run: x\nretries: {max: 1, when: [{}]}\n", "retries.when[0]: this table is empty"),
    ("run: x\nmax_concurrent: 0\n", '2:17: max_concurrent: "0" is out of range'),
    ("run: x\nimage: a b\n", '2:8: image: "a b" is not the name of an image'),
    # Variables
    ("run: x\nparams: {a-b: 1}\n", '2:15: params.a-b: "a-b" is not the name of a variable'),
    ("run: x\nparams: {a: [1]}\n", "2:13: params.a: this is a list"),
    ("run: x\nparams: {a: }\n", "params.a: this has no value"),
    (f"run: x\nparams: {{a: {'x' * 33_000}}}\n", "this value has 33000 bytes"),
    ("run: x\nparams: {a: 1}\nmatrix: {a: [1, 2]}\n", '3:9: matrix: "a" is in `params` and in `matrix`'),
    ("run: x\nparams: {a: 1}\nenv: {a: 2}\n", '3:6: env: "a" is in `env` and in the parameters'),
    # Tasks
    ("run: x\narray: 5\n", '2:8: array: "5" is not a range'),
    ("run: x\narray: 5..1\n", '"5..1" is empty'),
    ("run: x\narray: 00..10\n", '"00" has a leading zero'),
    ("run: x\narray: 0..1\nmatrix: {a: [1]}\n", "2:8: array: a stage has a matrix or an array, not both"),
    ("run: x\narray: 0..1000000\n", "2:8: array: this makes 1000001 tasks"),
    ("run: x\narray: 0..1000000000000000000\n", "this makes 1000000000000000001 tasks"),
    (f"run: x\narray: 0..{'9' * 5000}\n", "is out of range"),
    ("run: x\nmatrix: {}\n", "2:9: matrix: this matrix is empty"),
    ("run: x\nmatrix: {a: 3}\n", '2:13: matrix.a: "3" is neither a list nor a range'),
    ("run: x\nmatrix: {a: []}\n", "matrix.a: this list is empty"),
    ("run: x\nmatrix: {a: [1, 1]}\n", '2:17: matrix.a[1]: "1" is here twice'),
    ("run: x\nmatrix: {a: [0..3, 9]}\n", '2:14: matrix.a[0]: "0..3" is a range inside a list'),
    ("run: x\nmatrix: {a: [[1]]}\n", "matrix.a[0]: this is a list"),
    ("run: x\nmatrix: {a: [1, 2], exclude: [{b: 1}]}\n", 'matrix.exclude[0]: there is no key "b"'),
    ("run: x\nmatrix: {a: [1, 2], exclude: [{a: 3}]}\n", '"3" is no value of `a`'),
    ("run: x\nmatrix: {a: 0..2, exclude: [{a: 1.5}]}\n", '"1.5" is no value of `a`'),
    ("run: x\nmatrix: {a: [1, 2], exclude: [{}]}\n", "this would exclude everything"),
    ("run: x\nmatrix: {a: [1, 2], exclude: [{a: 1}, {a: 2}]}\n", "2:9: matrix: `exclude` leaves no task"),
    ("run: x\nmatrix: {a: [1], b: [1], include: [{a: 1}]}\n", "matrix.include[0]: this does not say b"),
    ("run: x\nmatrix: {a: [1], include: [{a: 1, c: 1}]}\n", 'matrix.include[0]: there is no key "c"'),
    # Files
    ("run: x\ndata: {a: lens}\n", '2:11: data.a: "lens" is not a dataset'),
    ("run: x\ndata: {a: datasets/../x}\n", '"datasets/../x" is not a dataset'),
    ("run: x\ndata: {a: 'datasets/a:b'}\n", '"datasets/a:b" is not a dataset'),
    ("run: x\ndata: {a: datasets/.hid}\n", '"datasets/.hid" is not a dataset'),
    ("run: x\ndata: {../a: datasets/x}\n", '"../a" cannot be a name here'),
    ("run: x\noutputs: [/etc/passwd]\n", '2:11: outputs[0]: "/etc/passwd" is not such a path'),
    ("run: x\noutputs: [a/../../b]\n", '"a/../../b" is not such a path'),
    ("run: x\noutputs: [.]\n", '"." is not such a path'),
    ("run: x\noutputs: [a//b]\n", '"a//b" is not such a path'),
    ('run: x\noutputs: ["a\\nb"]\n', '"a\\x0ab" is not such a path'),
    (f"run: x\nmetrics: {'m' * 300}\n", "is too long"),
    # Stages
    ("stages: {}\n", "1:9: stages: here are 0 stages"),
    ("stages: {Train: {run: x}}\n", '1:17: stages.Train: "Train" cannot be the name of a stage'),
    ("stages: {a: {run: x, name: y}}\n", '1:22: stages.a: there is no key "name"'),
    ("stages: {a: {image: x}}\n", "1:13: stages.a: there is no `run`"),
    ("stages: {a: {run: x}}\nimage: y\n", "2:8: image: `image` cannot stand beside `stages`"),
    ("stages: {a: {run: x}}\nrun: y\n", "2:6: run: `run` cannot stand beside `stages`"),
    ("defaults: {run: x}\nrun: y\n", '1:12: defaults: there is no key "run"'),
    ("stages: {a: {run: x, needs: b}}\n", 'stages.a.needs: this is the value "b"'),
    ("stages: {train: {run: x}, a: {run: x, needs: [trian]}}\n", '1:47: stages.a.needs[0]: there is no stage "trian"'),
    ("stages: {b: {run: x}, a: {run: x, needs: [b, b]}}\n", 'stages.a.needs[0]: "b" is here twice'),
    ("stages: {a: {run: x, needs: [a]}}\n", "stages.a.needs: these stages wait for each other"),
    ("stages: {a: {run: x}, b: {run: x, inputs: {i: a}}}\n", '"a" is not in `needs`'),
    ("stages: {a: {run: x}, b: {run: x, needs: [a], inputs: {i: a.o}}}\n", 'stage a has no output "o"'),
    ("stages: {a: {run: x}, b: {run: x, needs: [a], inputs: {i: c.o}}}\n", 'there is no stage "c"'),
    ("stages: {a: {run: x}, b: {run: x, needs: [a], inputs: {i: a.}}}\n", '"a." is not an input'),
    (
        "stages: {a: {run: x, outputs: {o: o}}, b: {run: x, needs: [a], inputs: {a: a.o}}}\n",
        '"a" is the name of a stage in `needs`',
    ),
    ("run: x\nneeds: [a]\n", '2:9: needs[0]: there is no stage "a"'),
]


@pytest.mark.parametrize(("text", "what"), CASES)
def test_an_error_names_place_path_and_value(text: str, what: str) -> None:
    with pytest.raises(InvalidSpecError) as raised:
        read_spec(text)
    assert raised.value.code == "invalid-spec"
    assert raised.value.what.startswith("tovi.yaml:")
    assert what in raised.value.what
    assert "\n" not in raised.value.what


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("run: x\nrsources: {}\n", 'did you mean "resources"?'),
        ("run: x\nresources: {memry: 1G}\n", 'did you mean "memory"?'),
        ("run: x\npriority: hihg\n", 'did you mean "high"?'),
        ("stages: {train: {run: x}, a: {run: x, needs: [trian]}}\n", 'did you mean "train"?'),
        ("run: x\nmatrix: {model: [cnn, vit], exclude: [{modle: cnn}]}\n", 'did you mean "model"?'),
    ],
)
def test_a_hint_names_what_was_probably_meant(text: str, hint: str) -> None:
    with pytest.raises(InvalidSpecError) as raised:
        read_spec(text)
    assert raised.value.hint == hint


def test_a_cycle_is_told_stage_by_stage() -> None:
    text = "stages: {a: {run: x, needs: [b]}, b: {run: x, needs: [c]}, c: {run: x, needs: [b]}}\n"
    with pytest.raises(InvalidSpecError) as raised:
        read_spec(text)
    assert raised.value.why == "each needs the next: b → c → b"


LATER = [
    ("secrets: [T]\nrun: x\n", "1:1: `secrets`"),
    ("notify: {to: []}\nrun: x\n", "1:1: `notify`"),
    *[(f"run: x\n{key}: 1\n", f"2:1: `{key}`") for key in STAGE_LATER],
    ("stages: {a: {run: x, cache: true}}\n", "1:22: `stages.a.cache`"),
    ("defaults: {preemptible: true}\nrun: x\n", "1:12: `defaults.preemptible`"),
    ("run: x\nnodes: 2\n", "2:1: `nodes`"),
    ("run: x\nresources: {any_of: [{gpus: 1}]}\n", "2:13: `resources.any_of`"),
    ("run: x\nretries: {max: 1, grow_memory: 1.5}\n", "2:19: `retries.grow_memory`"),
    ("run: x\nretries: {max: 1, backoff: 1m}\n", "2:19: `retries.backoff`"),
    ("run: x\nmatrix: {from: runs.csv}\n", "2:10: `matrix.from`"),
    ("run: x\nmatrix: {file: {glob: '*.nii'}}\n", "2:10: `matrix.file`"),
    ("stages: {a: {run: x}, b: {run: x, needs: [{a: each}]}}\n", "1:43: `stages.b.needs[0]`"),
    ("run: x\nneeds: ['job:12']\n", "2:9: `needs[0]`"),
    ("run: x\ndata: {a: datasets/b@v3}\n", "2:8: `data.a`"),
    ("run: x\ndata: {a: datasets/b@latest}\n", "2:8: `data.a`"),
]


@pytest.mark.parametrize(("text", "what"), LATER)
def test_what_is_known_but_not_built_is_refused_by_name(text: str, what: str) -> None:
    with pytest.raises(NotYetSupportedError) as raised:
        read_spec(text)
    assert raised.value.what == f"tovi.yaml:{what} is not yet supported"


SHADOWING = [
    *("PATH", "HOME", "LD_PRELOAD", "CUDA_VISIBLE_DEVICES", "TOVI_JOB", "tovi_child", "IFS", "ENV", "BASH_ENV", "PS4"),
    *("PYTHONPATH", "TMPDIR", "USER", "SHELL", "_", "PWD", "LC_ALL"),
]


@pytest.mark.parametrize("name", SHADOWING)
def test_a_parameter_that_would_shadow_the_environment_is_refused(name: str) -> None:
    for text in (f"run: x\nparams: {{{name}: 1}}\n", f"run: x\nmatrix: {{{name}: [1]}}\n"):
        with pytest.raises(InvalidSpecError, match="would shadow the environment"):
            read_spec(text)


@pytest.mark.parametrize("name", ["PATH", "HOME", "IFS", "ENV", "BASH_ENV", "TOVI_OUT", "CUDA_VISIBLE_DEVICES"])
def test_env_cannot_change_what_tovi_and_the_shell_rely_on(name: str) -> None:
    with pytest.raises(InvalidSpecError, match="would shadow the environment"):
        read_spec(f"run: x\nenv: {{{name}: 1}}\n")


ALL_STAGES = f"[{', '.join(f's{n}' for n in range(100))}]"
LARGE = {
    "huge ranges": "matrix: {" + ", ".join(f"a{axis}: 0..999999999999999999" for axis in range(12)) + "}",
    "excludes that name no value": f"matrix: {{a: {list(range(18_000))}, exclude: [{'{a: x}, ' * 150}]}}",
    "excludes by meaning": f"matrix: {{a: {list(range(17_000))}, exclude: [{'{a: 5.0}, ' * 201}]}}",
    "excludes that overlap": "matrix: {"
    + ", ".join(f"a{axis}: [x, y]" for axis in range(40))
    + f", exclude: [{', '.join(f'{{a{axis}: x, a{axis + 20}: x}}' for axis in range(20))}]}}",
    "a long cycle": "stages: {" + ", ".join(f"s{n}: {{run: x, needs: [s{(n + 1) % 500}]}}" for n in range(500)) + "}",
    "all need all": "stages: {" + ", ".join(f"s{n}: {{run: x, needs: {ALL_STAGES}}}" for n in range(100)) + "}",
    "many parameters": "parms: {}\nparams: {" + ", ".join(f"p{n}: 1" for n in range(9_000)) + "}",
    "a long key": "k" * 1_000_000 + ": 1",
    "a long name": "name: " + "n" * 1_000_000,
    "a long amount": "resources: {memory: " + "1" * 1_000_000 + "}",
    "a long duration": "timeout: " + "1" * 1_000_000,
    "a long path": "outputs: [" + "a/" * 500_000 + "]",
    "a long range": "array: 0.." + "1" * 1_000_000,
    "a long value": "matrix: {a: [1], exclude: [{a: " + "1" * 1_000_000 + "}]}",
}


DEADLINE_S = 20
"""Of this process's own time: what grows with the square of a file takes minutes."""


@pytest.mark.parametrize("what", LARGE)
def test_no_file_takes_long_to_read_or_makes_a_long_error(what: str) -> None:
    text = LARGE[what] if LARGE[what].startswith("stages") else f"run: x\n{LARGE[what]}"
    before = time.process_time()
    with pytest.raises(InvalidSpecError) as raised:
        read_spec(text)
    assert time.process_time() - before < DEADLINE_S
    assert len(str(raised.value)) < 1000


KEYS = st.sampled_from([*ONE_STAGE_JOB, *STAGE_LATER, "max", "when", "cpus", "memory", "gpu", "exclude", "a", "main"])
TEXTS = st.sampled_from(["x", "1", "0..4", "1e-2", "4h", "32G", "datasets/a", "~", "a/b", "-1", "''", "main", "normal"])
NODES = st.recursive(
    TEXTS | st.text(alphabet="ab1.:/'\"", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda found: f"[{', '.join(found)}]")
        | st.dictionaries(KEYS, inner, max_size=4).map(
            lambda found: "{" + ", ".join(f"{key}: {value}" for key, value in found.items()) + "}"
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, NODES, max_size=5))
def test_any_keys_with_any_values_are_a_spec_or_a_named_error(found: dict[str, str]) -> None:
    text = "".join(f"{key}: {value}\n" for key, value in found.items())
    for whole in (text, f"run: x\n{text}", f"stages:\n  main: {{run: x}}\n{text}"):
        check_named(whole)


@given(st.text(max_size=200))
def test_any_text_is_a_spec_or_a_named_error(text: str) -> None:
    check_named(text)


def check_named(text: str) -> None:
    """Read it; any error but those meant for people ends the test."""
    what = ""
    try:
        read_spec(text)
    except ToviError as error:
        what = error.what
    assert "\n" not in what
