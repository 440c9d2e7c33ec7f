"""One stage of a job file, with what the file says for all stages filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from tovi_server.core import expand
from tovi_server.core.resources import Resources
from tovi_server.core.retry import RetryPolicy
from tovi_server.core.spec import (
    DEFAULT_REQUEST,
    DEFAULT_TIMEOUT,
    CellSpace,
    DataMount,
    Input,
    Output,
    StageSpec,
)
from tovi_server.core.spec_reader_field import Field, invalid, items, not_yet, quoted, text, whole_number
from tovi_server.core.spec_reader_files import read_data, read_inputs, read_outputs, read_path, read_paths
from tovi_server.core.spec_reader_image import read_image
from tovi_server.core.spec_reader_matrix import read_array, read_matrix
from tovi_server.core.spec_reader_resources import read_resources, read_retries, read_timeout
from tovi_server.core.spec_reader_variables import read_env, read_params
from tovi_server.core.yaml_node import Scalar

LONGEST_SCRIPT_BYTES: Final = 100_000
"""Of `run` and of `setup`: a kernel takes no single argument above 128 KiB."""


@dataclass(frozen=True, slots=True)
class Shared:
    """`params`, `env` and `data` that stand at the top, for all stages."""

    params: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    data: tuple[DataMount, ...] = ()


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a stage gets where it does not say otherwise."""

    image: str | None = None
    setup: str | None = None
    setup_files: tuple[str, ...] | None = None
    request: Resources = DEFAULT_REQUEST
    timeout: timedelta = DEFAULT_TIMEOUT
    retries: RetryPolicy = RetryPolicy()
    max_concurrent: int | None = None


def read_shared(found: Mapping[str, Field]) -> Shared:
    return Shared(
        params=read_params(found["params"]) if "params" in found else {},
        env=read_env(found["env"]) if "env" in found else {},
        data=read_data(found["data"]) if "data" in found else (),
    )


def read_defaults(found: Mapping[str, Field], above: Defaults) -> Defaults:
    """What a table says of these keys, and `above` of those that it leaves out."""
    most = whole_number(found["max_concurrent"], least=1, most=expand.MOST_TASKS) if "max_concurrent" in found else None
    return Defaults(
        image=read_image(found["image"]) if "image" in found else above.image,
        setup=_script(found["setup"]) if "setup" in found else above.setup,
        setup_files=read_paths(found["setup_files"]) if "setup_files" in found else above.setup_files,
        request=read_resources(found["resources"], above.request) if "resources" in found else above.request,
        timeout=read_timeout(found["timeout"]) if "timeout" in found else above.timeout,
        retries=read_retries(found["retries"]) if "retries" in found else above.retries,
        max_concurrent=above.max_concurrent if most is None else most,
    )


def read_stage(whole: Field, found: Mapping[str, Field], *, name: str, shared: Shared, above: Defaults) -> StageSpec:
    """The stage that `whole` is; `found` are its fields, whose names are known to be right."""
    if "run" not in found:
        raise invalid(whole, "there is no `run`", why="a stage says what to run", hint="run: python train.py")
    own, chosen = read_shared(found), read_defaults(found, above)
    if "nodes" in found and whole_number(found["nodes"], least=1, most=10_000) > 1:
        raise not_yet(found["nodes"], "tasks on several nodes")
    stage = StageSpec(
        name=name,
        run=_script(found["run"]),
        setup=chosen.setup,
        setup_files=chosen.setup_files,
        image=chosen.image,
        env={**shared.env, **own.env},
        params={**shared.params, **own.params},
        request=chosen.request,
        timeout=chosen.timeout,
        retries=chosen.retries,
        data=_merged(shared.data, own.data),
        outputs=_outputs(found),
        metrics=read_path(found["metrics"]) if "metrics" in found else None,
        cells=_cells(found),
        max_concurrent=chosen.max_concurrent,
        needs=_needs(found["needs"]) if "needs" in found else (),
        inputs=_inputs(found),
    )
    _check_variables(found, stage, own)
    return stage


def _script(field: Field) -> str:
    script = text(field)
    size = len(script.encode())
    if not script.strip():
        raise invalid(field, "this is empty", why="here belong shell commands")
    if size > LONGEST_SCRIPT_BYTES:
        why = f"at most {LONGEST_SCRIPT_BYTES} are possible"
        raise invalid(field, f"this has {size} bytes", why=why, hint="put it into a file beside tovi.yaml")
    return script


def _outputs(found: Mapping[str, Field]) -> tuple[Output, ...]:
    return read_outputs(found["outputs"]) if "outputs" in found else ()


def _inputs(found: Mapping[str, Field]) -> tuple[Input, ...]:
    return read_inputs(found["inputs"]) if "inputs" in found else ()


def _merged(shared: tuple[DataMount, ...], own: tuple[DataMount, ...]) -> tuple[DataMount, ...]:
    return tuple({mount.name: mount for mount in (*shared, *own)}.values())


def _cells(found: Mapping[str, Field]) -> CellSpace:
    if "array" in found and "matrix" in found:
        raise invalid(found["array"], "a stage has a matrix or an array, not both", hint="make it an axis: `i: 0..99`")
    if "array" in found:
        return read_array(found["array"])
    return read_matrix(found["matrix"]) if "matrix" in found else CellSpace()


def _needs(field: Field) -> tuple[str, ...]:
    return tuple(_need(item) for item in items(field))


def _need(field: Field) -> str:
    if not isinstance(field.node, Scalar):
        raise not_yet(field, "needs of single tasks")
    name = text(field)
    if name.startswith("job:"):
        raise not_yet(field, "needs of other jobs")
    return name


def _check_variables(found: Mapping[str, Field], stage: StageSpec, own: Shared) -> None:
    """A variable comes from one place: a matrix may replace a parameter of all stages, but nothing else twice."""
    axes = [axis.name for axis in stage.cells.axes] or [name for cell in stage.cells.include[:1] for name in cell]
    for name in axes:
        if name in own.params and "matrix" in found:
            raise invalid(found["matrix"], f"{quoted(name)} is in `params` and in `matrix`", hint="keep one of them")
    for name in (*stage.params, *axes):
        if name in stage.env:
            place = found.get("env") or found.get("params") or found.get("matrix") or found["run"]
            raise invalid(place, f"{quoted(name)} is in `env` and in the parameters", hint="keep one of them")
