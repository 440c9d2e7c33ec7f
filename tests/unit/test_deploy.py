"""What is built and installed elsewhere says the same as the rest of the checkout."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from tovi_server.settings import Settings

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
CHART = ROOT / "deploy" / "chart"
CONTAINERFILE = (ROOT / "deploy" / "Containerfile").read_text()
OF_THE_CHART = {
    "server": {"name", "port", "listen", "role", "host_keys", "health"},
    "database": {"url"},
    "scheduler": {"policy"},
    "executor": {"kind"},
    "executor.kubernetes": {"kubeconfig", "context", "namespace", "claim", "claim_path"},
}
"""Settings that are not to be said in `settings`."""


def values() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
    return read


def test_the_chart_installs_this_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == PROJECT["project"]["version"]


def test_the_image_runs_as_the_user_that_the_chart_names() -> None:
    *_, user = re.findall(r"^USER (.*)$", CONTAINERFILE, re.MULTILINE)
    assert user == f"{values()['uid']}:{values()['gid']}"


def test_what_the_image_is_made_from_is_pinned() -> None:
    (python,) = re.findall(r"^ARG PYTHON=(.*)$", CONTAINERFILE, re.MULTILINE)
    assert re.fullmatch(r"\d+\.\d+\.\d+-[a-z-]+", python)
    assert set(re.findall(r"^FROM (\S+)", CONTAINERFILE, re.MULTILINE)) == {"python:${PYTHON}"}
    assert all("==" in installed for installed in re.findall(r"pip install .*? (\w\S*)$", CONTAINERFILE, re.MULTILINE))
    assert "--require-hashes" in (ROOT / "deploy" / "install").read_text()


def test_nothing_of_the_program_is_forgotten_when_the_image_is_built() -> None:
    seen = (ROOT / "deploy" / "Containerfile.dockerignore").read_text().splitlines()
    assert [
        name for name in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] if f"!{name}" not in seen
    ] == []


def test_images_of_the_chart_are_named_with_a_version() -> None:
    named = [values()["postgresql"]["bundled"]["image"], values()["settings"]["executor"]["kubernetes"]["image"]]
    assert all(re.fullmatch(r"[a-z]+:\d+(\.\d+)+-[a-z]+(-[a-z]+)?", image) for image in named), named


def test_the_chart_knows_every_setting_but_those_that_are_its_own() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    known, there_are = names_of_schema(schema["properties"]["settings"]), names_of_model(Settings)
    assert known == there_are, "name it in deploy/chart/values.schema.json"


def names_of_schema(table: Mapping[str, Any], path: str = "") -> set[str]:
    assert table["additionalProperties"] is False, path
    names: set[str] = set()
    for name, inner in table["properties"].items():
        place = f"{path}{name}"
        names |= names_of_schema(inner, f"{place}.") if "properties" in inner else {place}
    return names


def names_of_model(model: type[BaseModel], path: str = "") -> set[str]:
    names: set[str] = set()
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names |= names_of_model(kind, f"{path}{name}.")
        elif name not in OF_THE_CHART.get(path.removesuffix("."), ()):
            names.add(f"{path}{name}")
    return names
