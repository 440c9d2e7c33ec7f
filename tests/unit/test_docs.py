"""The pages say what is true: parts made from the code are current, links lead somewhere, examples are accepted."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs import generate
from scheduler.policies import load
from scheduler.policies.protocols import Policies
from tovi_cli.catalog import VERBS
from tovi_cli.parse import Parser
from tovi_server.__main__ import app as server
from tovi_server.core import spec_reader_keys as keys
from tovi_server.core.spec_reader import read_spec
from tovi_server.core.states import TaskState
from tovi_server.settings import read_settings

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md"))]
FENCE = re.compile(r"^```([a-z]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
INDENTED = re.compile(r"^    (.*)$", re.MULTILINE)
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)]+)\)")
PARSER = Parser(VERBS)
LATER = (keys.JOB_LATER, keys.STAGE_LATER, keys.RESOURCES_LATER, keys.RETRIES_LATER, keys.MATRIX_LATER)

page_by_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def read(page: str) -> str:
    return (ROOT / "docs" / page).read_text()


def fences(path: Path, language: str) -> list[str]:
    return [body for found, body in FENCE.findall(path.read_text()) if found == language]


def in_table(page: str) -> set[str]:
    """What stands as code in the first column of the tables."""
    first = [line.split("|")[1] for line in read(page).splitlines() if line.startswith("| `")]
    return {name for cell in first for name in re.findall(r"`([^`]+)`", cell)}


@page_by_page
def test_what_is_made_from_the_code_is_current(path: Path) -> None:
    assert generate.renewed(path.read_text()) == path.read_text(), "run `make docs`"


def test_all_that_is_made_from_the_code_is_on_a_page() -> None:
    assert sorted(name for path in PAGES for _, name, _ in generate.PLACE.findall(path.read_text())) == sorted(
        generate.MADE
    )


@page_by_page
def test_links_lead_somewhere(path: Path) -> None:
    text = FENCE.sub("", path.read_text())
    assert [link for link in LINK.findall(text) if not resolves(path, link)] == []


def resolves(path: Path, link: str) -> bool:
    if link.startswith("https://"):
        return True
    name, _, heading = link.partition("#")
    target = path.parent / name if name else path
    return target.exists() and (not heading or heading in anchors(target))


def anchors(path: Path) -> set[str]:
    headings = HEADING.findall(FENCE.sub("", path.read_text()))
    return {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_page_is_reached_from_the_index() -> None:
    reached, todo = set[Path](), [ROOT / "docs/index.md"]
    while todo:
        page = todo.pop()
        reached.add(page)
        links = [(page.parent / link.partition("#")[0]).resolve() for link in LINK.findall(page.read_text())]
        links += [page for link in links if link.is_dir() for page in link.glob("*.md")]
        todo += [link for link in links if link.suffix == ".md" and link not in reached]
    assert set(ROOT.glob("docs/**/*.md")) - reached == set()


def test_every_key_of_a_job_file_is_explained() -> None:
    known = {*keys.ONE_STAGE_JOB, *keys.RESOURCES, *keys.RETRIES}
    assert known - in_table("reference/tovi-yaml.md") == set()


def test_every_key_that_is_not_built_yet_is_named() -> None:
    not_yet = read("reference/tovi-yaml.md").partition("## Not yet")[2]
    assert [name for later in LATER for name in later if f"`{name}`" not in not_yet] == []


def test_every_state_is_explained() -> None:
    assert set(TaskState) <= in_table("states.md")


def test_every_dependency_has_its_reason_and_nothing_else_does() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    record = read("adr/0008-dependencies.md")
    used = {package_name(line) for line in project["dependencies"]}
    assert set(re.findall(r"^\| ([a-z][a-z-]*) \|", record, re.MULTILINE)) - {"package"} == used
    tools = {package_name(line) for line in project["optional-dependencies"]["dev"]}
    assert [tool for tool in tools if tool not in record] == []


def package_name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9-]+", requirement)
    assert found is not None
    return found[0]


@page_by_page
def test_job_files_on_pages_are_accepted(path: Path) -> None:
    for text in fences(path, "yaml"):
        read_spec(text)


def test_settings_on_pages_are_accepted(tmp_path: Path) -> None:
    examples = [text for page in PAGES for text in fences(page, "toml") if text.startswith("[")]
    assert examples
    for text in examples:
        (tmp_path / "tovi.toml").write_text(text)
        read_settings(tmp_path / "tovi.toml", required=True)


def test_policies_on_pages_are_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = ROOT / "docs/how-to/policies.md"
    (code,) = fences(page, "python")
    (tmp_path / "lab_policies.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    shipped, own = (load.read_policies(text) for text in fences(page, "toml"))
    assert types_of(shipped) == types_of(load.read_policies(""))
    assert types_of(own)[0].__name__ == "SmallFirst"


def types_of(policies: Policies) -> list[type]:
    return [type(policies.order), *map(type, policies.filters), type(policies.score)]


@page_by_page
def test_commands_on_pages_can_be_typed(path: Path) -> None:
    for words in commands(path.read_text()):
        if words and words[0] != "help" and "VERB" not in words and "ID" not in words:
            PARSER.parse(words)


def commands(text: str) -> Iterator[list[str]]:
    """What follows `ssh tovi` in examples and in running text."""
    made = generate.PLACE.sub("", text)
    blocks = [line for _, body in FENCE.findall(made) for line in body.splitlines()]
    for line in [*blocks, *INDENTED.findall(made), *re.findall(r"`([^`\n]+)`", made)]:
        for part in re.split(r"\s{2,}|[|;]|&&", line):
            command = re.match(r"ssh (?:-p 2222 )?tovi(?:\.example)?(?: (.*))?$", part.strip())
            if command and command[1]:
                yield shlex.split(re.split(r" >+ | < ", command[1])[0])


@page_by_page
def test_server_commands_on_pages_can_be_typed(path: Path) -> None:
    lines = re.findall(r"^(?:    |ExecStart=/opt/tovi/.venv/bin/)tovi-server (.*)$", path.read_text(), re.MULTILINE)
    for line in lines:
        server.parse_args(shlex.split(line, comments=True), exit_on_error=False, print_error=False)


@page_by_page
def test_targets_of_make_on_pages_exist(path: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^    |`)make ([a-z-]+)", path.read_text(), re.MULTILINE))
    assert named - targets == set()
