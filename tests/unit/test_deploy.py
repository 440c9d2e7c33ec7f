"""What is built and installed elsewhere says the same as the rest of the checkout."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
CHART = ROOT / "deploy" / "chart"
CONTAINERFILE = (ROOT / "deploy" / "Containerfile").read_text()


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
