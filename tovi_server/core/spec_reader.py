"""A tovi.yaml as text to a Spec, or an error that says where and why. Pure; whatever the text is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from tovi_server.core import expand
from tovi_server.core.ids import STAGE_NAME
from tovi_server.core.resources import format_bytes, parse_bytes
from tovi_server.core.spec import MAIN_STAGE, Priority, Spec, StageSpec
from tovi_server.core.spec_reader_field import (
    Field,
    invalid,
    items,
    known_table,
    line,
    one_of,
    quoted,
    table,
    text,
    whole_number,
)
from tovi_server.core.spec_reader_graph import Fields, check_graph
from tovi_server.core.spec_reader_keys import (
    DEFAULTS,
    JOB_LATER,
    ONE_STAGE_JOB,
    STAGE,
    STAGE_LATER,
    STAGES_JOB,
)
from tovi_server.core.spec_reader_stage import Defaults, Shared, read_defaults, read_shared, read_stage
from tovi_server.core.spec_reader_variables import check_overrides
from tovi_server.core.yaml_node import Mark
from tovi_server.core.yaml_reader import read_document

VERSION: Final = 1
MOST_STAGES: Final = 500
MOST_TAGS: Final = 50
LONGEST_NAME: Final = 100

_NO_PARAMS: Final[Mapping[str, str]] = MappingProxyType({})


def read_spec(text: str, *, params: Mapping[str, str] = _NO_PARAMS) -> Spec:
    """The spec that the text is, with `params` in place of the values it gives for them.

    Raises:
        NotYetSupportedError: it uses a part of the language that this version cannot do.
        InvalidSpecError: anything else is wrong with it.
    """
    whole = Field("", read_document(text), Mark(1, 1))
    found = _job_fields(whole)
    found_stages = _stage_fields(found) if "stages" in found else {MAIN_STAGE: found}
    stages = _stages(whole, found, found_stages)
    _check_number_of_tasks(stages, found_stages)
    return Spec(
        stages=_with_overrides(stages, params),
        name=line(found["name"], longest=LONGEST_NAME) if "name" in found else None,
        project=line(found["project"], longest=LONGEST_NAME) if "project" in found else None,
        queue=line(found["queue"], longest=LONGEST_NAME) if "queue" in found else None,
        priority=_priority(found["priority"]) if "priority" in found else Priority.NORMAL,
        tags=_tags(found["tags"]) if "tags" in found else (),
        notices=_notices([found, *found_stages.values(), _default_fields(found)]),
    )


def _job_fields(whole: Field) -> Mapping[str, Field]:
    found = known_table(whole, ONE_STAGE_JOB, later={**STAGE_LATER, **JOB_LATER})
    if "tovi" in found:
        whole_number(found["tovi"], least=VERSION, most=VERSION)
    if "stages" in found:
        _check_only_of_all_stages(found)
    return found


def _check_only_of_all_stages(found: Mapping[str, Field]) -> None:
    for name, field in found.items():
        if name not in STAGES_JOB:
            hint = "put it under `defaults`, or into a stage" if name in DEFAULTS else "put it into the stage it is for"
            raise invalid(field, f"`{name}` cannot stand beside `stages`", why="it is of a single stage", hint=hint)


def _stage_fields(found: Mapping[str, Field]) -> dict[str, Mapping[str, Field]]:
    stages = table(found["stages"])
    if not 1 <= len(stages) <= MOST_STAGES:
        raise invalid(found["stages"], f"here are {len(stages)} stages", why=f"a job has from 1 to {MOST_STAGES}")
    for name, field in stages.items():
        if not STAGE_NAME.fullmatch(name):
            why = "a name has lower-case letters, digits, _ and -, starts with a letter, and has at most 63 characters"
            raise invalid(field, f"{quoted(name)} cannot be the name of a stage", why=why)
    return {name: known_table(field, STAGE, later=STAGE_LATER) for name, field in stages.items()}


def _default_fields(found: Mapping[str, Field]) -> Mapping[str, Field]:
    return known_table(found["defaults"], DEFAULTS, later=STAGE_LATER) if "defaults" in found else {}


def _stages(whole: Field, found: Mapping[str, Field], found_stages: Fields) -> tuple[StageSpec, ...]:
    above = read_defaults(_default_fields(found), Defaults())
    shared = read_shared(found) if "stages" in found else Shared()
    places = table(found["stages"]) if "stages" in found else {MAIN_STAGE: whole}
    stages = tuple(
        read_stage(places[name], fields, name=name, shared=shared, above=above) for name, fields in found_stages.items()
    )
    check_graph(stages, found_stages)
    return stages


def _check_number_of_tasks(stages: Sequence[StageSpec], found_stages: Fields) -> None:
    total = 0
    for stage in stages:
        total += expand.count(stage.cells)
        if total > expand.MOST_TASKS:
            fields = found_stages[stage.name]
            place = fields.get("matrix") or fields.get("array") or fields["run"]
            raise invalid(place, f"this makes {total} tasks", why=f"a job has at most {expand.MOST_TASKS}")


def _with_overrides(stages: Sequence[StageSpec], given: Mapping[str, str]) -> tuple[StageSpec, ...]:
    known = {name for stage in stages for name in stage.params}
    axes = {axis.name for stage in stages for axis in stage.cells.axes}
    check_overrides(given, known=known, axes=axes)
    return tuple(
        replace(stage, params={name: given.get(name, value) for name, value in stage.params.items()})
        for stage in stages
    )


def _priority(field: Field) -> Priority:
    return Priority[one_of(field, [priority.name.lower() for priority in Priority]).upper()]


def _tags(field: Field) -> tuple[str, ...]:
    found = items(field)
    if len(found) > MOST_TAGS:
        raise invalid(field, f"here are {len(found)} tags", why=f"a job has at most {MOST_TAGS}")
    return tuple(dict.fromkeys(line(item, longest=LONGEST_NAME) for item in found))


def _notices(tables: Sequence[Mapping[str, Field]]) -> tuple[str, ...]:
    """That units are binary, once, when an amount was written as if they might not be."""
    for fields in tables:
        for name, field in (table(fields["resources"]) if "resources" in fields else {}).items():
            if name in ("memory", "disk") and not text(field).rstrip("B").endswith("i"):
                return (f"{name} {text(field)} means {format_bytes(parse_bytes(text(field)))}: units are binary",)
    return ()
