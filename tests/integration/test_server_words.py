"""`tovi-server`, but for `serve`: what an admin does on the data directory itself."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import asyncssh
import pytest

from tests.contract.postgres import PostgresServer, postgres_server
from tovi_server.__main__ import run
from tovi_server.app import log_form

__all__ = ["postgres_server"]

KEY = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
OTHER_KEY = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()


@pytest.fixture(autouse=True)
def _no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log's form belongs to the process, which here is the tests'."""
    monkeypatch.setattr(log_form, "set_up", lambda: None)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory of `ada`."""
    assert init(tmp_path / "data") == 0
    return tmp_path / "data"


def init(data: Path, *more: str, admin: str = "ada", key: str = KEY) -> int:
    file = data.parent / "key.pub"
    file.write_text(key)
    return run(["init", "--data", str(data), "--admin", admin, "--key", str(file), *more])


def add(data: Path, name: str, monkeypatch: pytest.MonkeyPatch, *more: str, key: str = OTHER_KEY) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(key))
    return run(["user", "add", name, "--key", "-", "--data", str(data), *more])


def users(data: Path, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert run(["user", "list", "--data", str(data)]) == 0
    return capsys.readouterr().out


def test_a_fresh_data_directory_has_one_user_its_admin(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert users(data, capsys) == "ada admin\n"


def test_what_is_the_servers_alone_is_shut_to_others(data: Path) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in (data / "server").iterdir()}

    assert (data / "server").stat().st_mode & 0o777 == 0o700
    assert (modes["tovi.db"], modes["ssh_host_ed25519_key"], modes["ssh_host_rsa_key"]) == (0o600, 0o600, 0o600)


def test_a_data_directory_is_made_once(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(data, admin="eve", key=OTHER_KEY) == 5
    assert "is a data directory already" in capsys.readouterr().err
    assert users(data, capsys) == "ada admin\n"


def test_what_is_there_already_is_kept_where_only_what_is_needed_is_made(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in (data / "server").glob("ssh_host_*")}

    assert init(data, "--if-needed", admin="eve", key=OTHER_KEY) == 0

    assert users(data, capsys) == "ada admin\n"
    assert {path.name: path.read_bytes() for path in (data / "server").glob("ssh_host_*")} == before


def test_what_is_missing_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert init(tmp_path / "data", "--if-needed") == 0

    assert users(tmp_path / "data", capsys) == "ada admin\n"
    assert (tmp_path / "data/server/ssh_host_ed25519_key").exists()


def test_several_servers_may_make_what_is_needed_at_once(
    postgres_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key.pub").write_text(KEY)
    monkeypatch.setenv("TOVI_SERVER__DATABASE__URL", postgres_server.create_database())
    monkeypatch.setenv("TOVI_SERVER__SERVER__HOST_KEYS", str(tmp_path / "keys"))
    words = [
        "init",
        "--data",
        str(tmp_path / "data"),
        "--admin",
        "ada",
        "--key",
        str(tmp_path / "key.pub"),
        "--if-needed",
    ]

    servers = [subprocess.Popen([sys.executable, "-m", "tovi_server", *words]) for _ in range(4)]
    codes = {server.wait(60) for server in servers}

    assert codes <= {0, 5}, "5: another had half done it, and this one is started again"
    assert run(words) == 0
    assert users(tmp_path / "data", capsys) == "ada admin\n"
    assert not [*(tmp_path / "data/server").glob("ssh_host_*")], "they are kept elsewhere"


def test_a_server_with_its_host_keys_elsewhere_is_made_once_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOVI_SERVER__SERVER__HOST_KEYS", str(tmp_path / "keys"))
    assert init(tmp_path / "data") == 0

    assert init(tmp_path / "data", admin="eve", key=OTHER_KEY) == 5
    assert users(tmp_path / "data", capsys) == "ada admin\n"


def test_a_folder_that_cannot_be_written_is_told_with_whom_it_has_to_belong_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").touch()
    (tmp_path / "tovi.toml").touch()

    assert init(tmp_path / "data", "--config", str(tmp_path / "tovi.toml")) == 6
    assert "it has to belong to who runs the server, which is uid" in capsys.readouterr().err


@pytest.mark.parametrize(("admin", "key"), [("Ada Lovelace", KEY), ("ada", "no key")], ids=["name", "key"])
def test_nothing_is_made_for_a_name_or_a_key_that_is_none(tmp_path: Path, admin: str, key: str) -> None:
    assert init(tmp_path / "data", admin=admin, key=key) == 2
    assert not (tmp_path / "data").exists()


def test_a_key_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["init", "--data", str(tmp_path / "data"), "--admin", "ada", "--key", str(tmp_path / "none.pub")])

    assert code == 2
    assert str(tmp_path / "none.pub") in capsys.readouterr().err


def test_users_are_added_and_may_be_admins(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    third = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()

    codes = add(data, "bob", monkeypatch), add(data, "cyd", monkeypatch, "--admin", key=third)

    assert codes == (0, 0)
    assert users(data, capsys) == "ada admin\nbob\ncyd admin\n"


def test_a_key_belongs_to_one_user(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add(data, "bob", monkeypatch, key=KEY) == 5
    assert users(data, capsys) == "ada admin\n"


def test_a_user_is_disabled_and_enabled(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    add(data, "bob", monkeypatch)

    run(["user", "disable", "bob", "--data", str(data)])
    disabled = users(data, capsys)
    run(["user", "enable", "bob", "--data", str(data)])

    assert disabled == "ada admin\nbob disabled\n"
    assert users(data, capsys) == "ada admin\nbob\n"


def test_the_last_admin_cannot_be_disabled(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["user", "disable", "ada", "--data", str(data)]) == 5
    assert users(data, capsys) == "ada admin\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sreve"], 'Did you mean "serve"'),
        (["serve"], "--data"),
        (["init", "--data", "x", "--admn", "ada"], "--admn"),
        (["user", "add", "bob"], "--"),
    ],
)
def test_words_that_are_none_are_named(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    assert said in capsys.readouterr().err


def test_a_folder_that_is_no_data_directory_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["user", "list", "--data", str(tmp_path)]) == 3
    assert f"{tmp_path} is no data directory of Tovi" in capsys.readouterr().err


def test_a_server_folder_that_others_can_read_is_refused(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data / "server").chmod(0o750)

    assert run(["user", "list", "--data", str(data)]) == 1
    assert "its mode is 0750" in capsys.readouterr().err
