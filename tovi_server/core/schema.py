"""The JSON Schema of tovi.yaml, for editors. What it refuses, the reader refuses; the reader knows more."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tovi_server.core.retry import Cause
from tovi_server.core.spec import Priority
from tovi_server.core.spec_reader_keys import DEFAULTS, JOB, SHARED, STAGE

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]
Rule = Mapping[str, Json]

_VALUE: Final[Rule] = {"type": ["string", "number", "boolean"]}
_TEXT: Final[Rule] = {"type": "string", "minLength": 1}
_PATH: Final[Rule] = {"type": "string", "minLength": 1, "pattern": "^[^/]", "description": "relative to the code"}
_AMOUNT: Final[Rule] = {"type": "string", "pattern": r"^\d+(\.\d+)?\s?[KMGT](i?B?)$", "examples": ["512M", "32G"]}
_DURATION: Final[Rule] = {
    "type": "string",
    "minLength": 2,
    "pattern": r"^(\d+d)?(\d+h)?(\d+m)?(\d+s)?$",
    "examples": ["30m", "2d12h"],
}
_RANGE: Final[Rule] = {"type": "string", "pattern": r"^-?\d+\.\.-?\d+$", "examples": ["0..99"]}
_CELLS: Final[Rule] = {"type": "array", "minItems": 1, "items": {"type": "object", "additionalProperties": _VALUE}}
_VARIABLES: Final[Rule] = {
    "type": "object",
    "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$"},
    "additionalProperties": _VALUE,
}


def schema() -> dict[str, Json]:
    """The schema as a document of draft 2020-12: a file is one stage, or has `stages`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "tovi.yaml",
        "description": "What to run, on what, with which data, and what comes out.",
        "type": "object",
        "properties": _properties((*JOB, "defaults", "stages", *STAGE)),
        "additionalProperties": False,
        "oneOf": [
            {"required": ["run"], "not": {"required": ["stages"]}},
            {"required": ["stages"], "propertyNames": {"enum": [*JOB, "defaults", "stages", *SHARED]}},
        ],
        "$defs": {"stage": _object(STAGE, required=["run"]), "defaults": _object(DEFAULTS)},
    }


def _object(keys: Iterable[str], *, required: Sequence[str] = ()) -> Rule:
    whole: dict[str, Json] = {"type": "object", "properties": _properties(keys), "additionalProperties": False}
    return {**whole, "required": required} if required else whole


def _properties(keys: Iterable[str]) -> dict[str, Json]:
    return {key: _KEYS[key] for key in keys}


_RESOURCES: Final[Rule] = {
    "type": "object",
    "description": "what each task asks for; memory and disk need a unit",
    "properties": {
        "cpus": {"type": "number", "exclusiveMinimum": 0},
        "memory": _AMOUNT,
        "disk": _AMOUNT,
        "gpus": {"type": "integer", "minimum": 0},
        "gpu": {"type": ["string", "array"], "items": _TEXT, "examples": ["h100", ["a100", "h100"], "40G+"]},
    },
    "additionalProperties": False,
}
_RETRIES: Final[Rule] = {
    "description": "extra tries",
    "oneOf": [
        {"type": "integer", "minimum": 0, "maximum": 100},
        {
            "type": "object",
            "properties": {
                "max": {"type": "integer", "minimum": 0, "maximum": 100},
                "when": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "oneOf": [
                            {"enum": [cause.value for cause in Cause]},
                            {
                                "type": "object",
                                "properties": {
                                    "exit": {
                                        "type": "array",
                                        "minItems": 1,
                                        "items": {"type": "integer", "minimum": 1, "maximum": 255},
                                    }
                                },
                                "required": ["exit"],
                                "additionalProperties": False,
                            },
                        ]
                    },
                },
            },
            "required": ["max"],
            "additionalProperties": False,
        },
    ],
}
_MATRIX: Final[Rule] = {
    "type": "object",
    "minProperties": 1,
    "description": "a task for each combination of values",
    "properties": {"exclude": _CELLS, "include": _CELLS},
    "additionalProperties": {"oneOf": [_RANGE, {"type": "array", "minItems": 1, "items": _VALUE}]},
}
_OUTPUTS: Final[Rule] = {
    "description": "paths to keep, with or without names",
    "oneOf": [
        {"type": "array", "minItems": 1, "items": _PATH},
        {"type": "object", "minProperties": 1, "additionalProperties": _PATH},
    ],
}
_KEYS: Final[Mapping[str, Json]] = {
    "tovi": {"const": 1, "description": "the version of the language"},
    "name": _TEXT,
    "project": _TEXT,
    "queue": _TEXT,
    "priority": {"enum": [priority.name.lower() for priority in Priority]},
    "tags": {"type": "array", "minItems": 1, "items": _TEXT},
    "defaults": {"$ref": "#/$defs/defaults"},
    "stages": {
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"pattern": "^[a-z][a-z0-9_-]{0,62}$"},
        "additionalProperties": {"$ref": "#/$defs/stage"},
    },
    "params": _VARIABLES,
    "env": _VARIABLES,
    "data": {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": {"type": "string", "pattern": "^datasets/[^/@]+/?$"},
        "description": "datasets, seen at $TOVI_DATA/<name>",
    },
    "image": _TEXT,
    "setup": {**_TEXT, "description": "shell, run once to install what `run` needs into $TOVI_ENV"},
    "setup_files": {"type": "array", "minItems": 1, "items": _PATH},
    "resources": _RESOURCES,
    "timeout": _DURATION,
    "retries": _RETRIES,
    "max_concurrent": {"type": "integer", "minimum": 1},
    "run": {**_TEXT, "description": "shell"},
    "matrix": _MATRIX,
    "array": {**_RANGE, "description": "tasks that differ in $TOVI_INDEX"},
    "outputs": _OUTPUTS,
    "metrics": {**_PATH, "description": "a JSON file of numbers"},
    "needs": {"type": "array", "minItems": 1, "items": _TEXT},
    "inputs": {"type": "object", "minProperties": 1, "additionalProperties": _TEXT},
    "nodes": {"const": 1},
}
