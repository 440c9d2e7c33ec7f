"""When the results of `setup` can be used again: what it depends on, as a key."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import Final

from tovi_server.core.spec import StageSpec

USUAL_SETUP_FILES: Final = (
    "requirements*.txt",
    "pyproject.toml",
    "uv.lock",
    "poetry.lock",
    "environment.yml",
    "package.json",
    "package-lock.json",
)
"""What `setup` is taken to depend on, at the top of the code, when the file does not say."""

_SETUP_RULES: Final = "1"
"""Changes when `script_task_parts.SETUP` makes something else of the same text, so that nothing old is used for it."""


def env_key(stage: StageSpec, files: Mapping[str, str]) -> str:
    """What names the results of a stage's `setup`: the same key, the same results.

    `files` are the hashes of the code's files by path; those that are no setup files make no difference.
    """
    parts = [_SETUP_RULES, stage.setup or "", stage.image or ""]
    parts += [f"{path}\0{files[path]}" for path in sorted(files) if is_setup_file(stage, path)]
    digest = sha256()
    for part in parts:
        digest.update(f"{len(part)}:{part}".encode())
    return digest.hexdigest()


def is_setup_file(stage: StageSpec, path: str) -> bool:
    """Whether a change of that file makes `setup` run again."""
    if stage.setup_files is not None:
        return path in stage.setup_files
    return "/" not in path and any(fnmatchcase(path, usual) for usual in USUAL_SETUP_FILES)
