"""`needs` and `inputs` of all stages, checked against each other, once every stage is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from tovi_server.core import graph
from tovi_server.core.spec import Input, StageSpec
from tovi_server.core.spec_reader_field import Field, invalid, items, nearest, quoted, table

MOST_NAMED: Final = 20

Fields = Mapping[str, Mapping[str, Field]]
"""The fields of each stage, by its name."""


def check_graph(stages: Sequence[StageSpec], found: Fields) -> None:
    """Refuse needs and inputs that name nothing, and cycles.

    Raises:
        InvalidSpecError: names the stage, the place and, for a cycle, every stage of it.
    """
    by_name = {stage.name: stage for stage in stages}
    for stage in stages:
        if stage.needs:
            _check_needs(stage, found[stage.name]["needs"], by_name)
    _check_cycles(stages, found)
    for stage in stages:
        if stage.inputs:
            _check_inputs(stage, found[stage.name]["inputs"], by_name)


def _check_needs(stage: StageSpec, field: Field, stages: Mapping[str, StageSpec]) -> None:
    for item, name in zip(items(field), stage.needs, strict=True):
        if name not in stages:
            why = f"the stages are {', '.join(list(stages)[:MOST_NAMED])}"
            raise invalid(item, f"there is no stage {quoted(name)}", why=why, hint=nearest(name, stages))
        if stage.needs.count(name) > 1:
            raise invalid(item, f"{quoted(name)} is here twice", hint="name it once")


def _check_cycles(stages: Sequence[StageSpec], found: Fields) -> None:
    cycle = graph.cycle({stage.name: stage.needs for stage in stages})
    if cycle:
        shown = cycle if len(cycle) <= MOST_NAMED else (*cycle[: MOST_NAMED - 1], "…", cycle[-1])
        path = " → ".join((*shown, cycle[0]))
        why = f"each needs the next: {path}"
        raise invalid(found[cycle[0]]["needs"], "these stages wait for each other", why=why, hint="take one need out")


def _check_inputs(stage: StageSpec, field: Field, stages: Mapping[str, StageSpec]) -> None:
    fields = table(field)
    for wanted in stage.inputs:
        _check_input(wanted, fields[wanted.name], stage, stages)


def _check_input(wanted: Input, field: Field, stage: StageSpec, stages: Mapping[str, StageSpec]) -> None:
    if wanted.stage not in stage.needs:
        if wanted.stage in stages:
            raise invalid(field, f"{quoted(wanted.stage)} is not in `needs`", hint=f"needs: [{wanted.stage}]")
        hint = nearest(wanted.stage, stages)
        raise invalid(field, f"there is no stage {quoted(wanted.stage)}", why="an input is stage.output", hint=hint)
    if wanted.name in stage.needs and (wanted.name != wanted.stage or wanted.output is not None):
        why = f"$TOVI_IN/{wanted.name} already holds what the stage {wanted.name} left behind"
        raise invalid(field, f"{quoted(wanted.name)} is the name of a stage in `needs`", why=why)
    outputs = [output.name for output in stages[wanted.stage].outputs if output.name]
    if wanted.output is not None and wanted.output not in outputs:
        why = f"its named outputs are {', '.join(outputs[:MOST_NAMED]) or 'none'}"
        what = f"stage {wanted.stage} has no output {quoted(wanted.output)}"
        raise invalid(field, what, why=why, hint=nearest(wanted.output, outputs))
