"""The settings of a server, as one tree: command line beats TOVI_SERVER__… variables beats tovi.toml beats defaults.

Read once, by `__main__`; each part is given its branch. Unknown names are errors, wherever they stand.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from k8s.branch import KubernetesBranch
from tovi_server.core.errors import UsageError
from tovi_server.core.resources import GIB
from tovi_server.core.setting import Amount, Duration, Section
from tovi_server.files.limits import IntakeLimits
from tovi_server.receivers.algorithms import Profile
from tovi_server.receivers.settings import Limits

PREFIX: Final = "TOVI_SERVER__"


def split_address(text: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:2222` or `[::1]:2222`.

    Raises:
        ValueError: it is not of that form.
    """
    host, _, port = text.rpartition(":")
    if not port.isascii() or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f'"{text}" is no address; it is written 127.0.0.1:2222 or [::1]:2222')
    bare = host.removeprefix("[").removesuffix("]")
    try:
        ip_address(bare)
    except ValueError as error:
        raise ValueError(f'"{bare}" is no IP address; 0.0.0.0 and [::] stand for all of this machine') from error
    return bare, int(port)


def _checked_address(text: str) -> str:
    split_address(text)
    return text


def _checked_address_or_none(text: str) -> str:
    return text and _checked_address(text)


class Role(StrEnum):
    """What a server does of all there is to do."""

    ALL = "all"
    RECEIVER = "receiver"
    SCHEDULER = "scheduler"


class ServerSettings(Section):
    """The server as people see it."""

    name: str = ""
    """What `help` and `ssh-config` call this server; empty: the machine's host name."""
    role: Role = Role.ALL
    """`all`; or, with PostgreSQL, only `receiver` or only `scheduler`, of which one leads and others stand by."""
    listen: tuple[Annotated[str, AfterValidator(_checked_address)], ...] = Field(
        default=("127.0.0.1:2222",), min_length=1
    )
    """Addresses and ports to accept SSH on; port 0 lets the system choose."""
    port: int | None = Field(default=None, ge=1, le=65535)
    """The port that `ssh-config` prints; not set: the one that is listened on."""
    receivers: int | None = Field(default=None, ge=1, le=256)
    """How many processes serve SSH; not set: one a core, at least two."""
    algorithms: Profile = Profile.COMPATIBLE
    """`compatible`, or `strict`: post-quantum key exchange only."""
    drain: Duration = timedelta(seconds=10)
    """How long open sessions may go on when the server is told to end."""
    host_keys: str = ""
    """The folder with the SSH host keys, only read, relative to DATA/server; empty: that folder itself."""
    tui_user: str = "nobody"
    """Whom terminal UIs run as, where the server is root and that user can read its program; empty: the server's."""
    health: Annotated[str, AfterValidator(_checked_address_or_none)] = ""
    """Address and port of `/live`, `/ready` and `/metrics` over HTTP, for machines that watch; empty: none."""


class DatabaseSettings(Section):
    """Where the truth is kept."""

    url: str = "sqlite:///tovi.db"
    """`sqlite:///FILE`, relative to DATA/server, or `postgresql://…`."""

    @property
    def is_shared(self) -> bool:
        """Whether several machines can use it at once."""
        return self.url.startswith("postgresql")


class SchedulerSettings(Section):
    """The loop that places tasks."""

    interval: Duration = timedelta(seconds=2)
    """How often the machines and the queue are looked at when nothing happens."""
    policy: str = "policy.toml"
    """The policy file, relative to DATA/server; without one the defaults hold."""
    queues: tuple[str, ...] = Field(default=("default",), min_length=1)
    """Queues that exist; the first is taken when a job names none."""


class LocalSettings(Section):
    """Tasks as processes of this machine."""

    cpus: int | None = Field(default=None, ge=1)
    """How many to hand out; not set: what the machine has. So for `memory`, `disk` and `gpus`."""
    memory: Amount | None = None
    """Memory to hand out."""
    disk: Amount | None = None
    """Scratch space to hand out."""
    gpus: int | None = Field(default=None, ge=0)
    """GPUs to hand out."""
    grace: Duration = timedelta(seconds=30)
    """Between asking a task to end (TERM) and ending it (KILL)."""
    log_limit: Amount = 1 * GIB
    """A task whose log is larger is ended."""
    shared_uid: bool = False
    """Accept connections from other machines though all tasks run as the server's own user, who can read everything."""


class ExecutorKind(StrEnum):
    """What tasks are."""

    LOCAL = "local"
    KUBERNETES = "kubernetes"


class ExecutorSettings(Section):
    """Who runs tasks."""

    kind: ExecutorKind = ExecutorKind.LOCAL
    """`local`: processes of this machine; `kubernetes`: pods of a cluster."""
    local: LocalSettings = LocalSettings()
    kubernetes: KubernetesBranch = KubernetesBranch()


class SubmissionSettings(IntakeLimits):
    """How much one submission may bring."""

    most_tasks: int = Field(default=1_000_000, ge=1)
    """Tasks of one job."""


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        hide_input_in_errors=True,
        env_prefix=PREFIX,
        env_nested_delimiter="__",
    )

    server: ServerSettings = ServerSettings()
    database: DatabaseSettings = DatabaseSettings()
    scheduler: SchedulerSettings = SchedulerSettings()
    executor: ExecutorSettings = ExecutorSettings()
    limits: Limits = Limits()
    submissions: SubmissionSettings = SubmissionSettings()


def read_settings(file: Path, *, required: bool = False, arguments: Mapping[str, object] | None = None) -> Settings:
    """The settings of this process. `arguments` are nested like the tree, and beat everything else.

    Raises:
        UsageError: the file is not there though it is `required`, or cannot be read; something is unknown or wrong.
    """
    written = _read_file(file, required=required)
    _refuse_unknown_variables()

    class Layered(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return init_settings, env_settings, InitSettingsSource(settings_cls, written)

    try:
        return Layered(**(arguments or {}))  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as error:
        raise _explained(error, file) from error


def _read_file(file: Path, *, required: bool) -> dict[str, object]:
    """An empty tree when there is no file and none is required."""
    try:
        return tomllib.loads(file.read_text())
    except FileNotFoundError as error:
        if not required:
            return {}
        raise UsageError(f"there is no settings file {file}") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"the settings file {file} cannot be read", why=str(error)) from error


def _refuse_unknown_variables() -> None:
    """Below a section pydantic does that; a section that does not exist it would pass over."""
    known = tuple(f"{PREFIX}{section.upper()}__" for section in Settings.model_fields)
    for name in os.environ:
        if name.startswith(PREFIX) and not name.startswith(known):
            sections = ", ".join(Settings.model_fields)
            raise UsageError(f"the variable {name} sets nothing", why=f"the sections are {sections}")


def _explained(error: ValidationError, file: Path) -> UsageError:
    first = error.errors(include_input=False, include_url=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    return UsageError(
        f'the setting "{field}" is wrong',
        why="there is none of that name"
        if first["type"] == "extra_forbidden"
        else first["msg"].removeprefix("Value error, "),
        hint=f"it comes from the command line, from {PREFIX}… or from {file}; `tovi-server settings` lists them all",
    )
