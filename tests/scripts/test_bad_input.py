"""Stories of input that is wrong, by accident or on purpose: each is told in three lines, and leaves nothing behind."""

from __future__ import annotations

import gzip
import io
import re
import shlex
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import Live, live_server
from tests.ssh_edge import Ended

ESCAPE = "\x1b]52;c;aGk=\x07"
"""Writes to the clipboard of whoever sees it raw."""


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    """One server for all that is wrong here; in the end it still works, and nothing but one job is there."""
    with live_server() as live:
        live.add_user("bob")
        yield live
        good = live.ssh("submit", "--wait", stdin=b"run: echo fine\n")
        assert (good.code, len(jobs(live))) == (0, 1), good
        assert list((live.data / "server" / "staging").iterdir()) == []


def jobs(live: Live) -> list[int]:
    return [job["id"] for job in live.json("jobs")["items"]]


def refuse(live: Live, command: str, stdin: bytes = b"", *, code: str, status: int, user: str = "ada") -> str:
    """Run a command that must be refused; what it said. That no job came of it is looked at in the end."""
    ended = live.ssh(command, stdin=stdin, user=user)

    assert (ended.code, ended.out) == (status, b""), ended
    return told(ended, code)


def told(ended: Ended, code: str) -> str:
    """The error of a command, which has the form of all errors: safe to print, on two or three lines."""
    said = ended.err.decode()
    lines = said.splitlines()
    assert said == "".join(f"{line}\n" for line in lines), "it ends its lines"
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", said), "it is safe on a terminal"
    assert "Traceback" not in said
    assert re.fullmatch(rf"({code}): .+", lines[0]), said
    assert [line[:8] for line in lines[1:]] in (["  why:  ", "  hint: "], ["  why:  "], ["  hint: "]), said
    return said


DEEP = b"run: x\nenv: " + b"[" * 100_000
WIDE = b"run: x\ntags: [" + b"a, " * 30_000 + b"a]\n"
LAUGHS = b"a: &a [x, x, x]\nb: &b [*a, *a, *a]\nrun: *b\n"

WRONG_FILES = {
    "no YAML": (b"run: [echo", "invalid-spec", "this is not YAML"),
    "a tab where none may be": (b"resources:\n\tcpus: 1\nrun: x\n", "invalid-spec", "tovi.yaml:2:1"),
    "no text": (b"run: \xff\xfe\n", "invalid-spec", "not UTF-8"),
    "a NUL": (b"run: a\0b\n", "invalid-archive", "truncated"),
    "a quoted NUL": (b'run: "a\\0b"\n', "invalid-spec", "NUL"),
    "only spaces": (b"  \n\n", "invalid-spec", "empty"),
    "a list": (b"- run: x\n", "invalid-spec", "tovi.yaml:1:1"),
    "a word": (b"hello\n", "invalid-spec", "tovi.yaml:1:1"),
    "two documents": (b"run: x\n---\nrun: y\n", "invalid-spec", "a second document"),
    "more than a MiB": (b"run: x\n#" + b"x" * 2**20, "invalid-spec", "1 MiB"),
    "very deep": (DEEP, "invalid-spec", "nesting depth"),
    "deep in another way": (b"- " * 50_000 + b"x\n", "invalid-spec", "nested too deeply"),
    "very many parts": (WIDE, "invalid-spec", "20000 parts"),
    "aliases": (LAUGHS, "invalid-spec", "anchors (&) and aliases (*)"),
    "an alias to nothing": (b"run: *nothing\n", "invalid-spec", "tovi.yaml:1:"),
    "merge keys": (b"run: x\n<<: {run: y}\n", "invalid-spec", "merge keys"),
    "a tag": (b"run: !!python/object/apply:os.system [id]\n", "invalid-spec", "tags (!)"),
    "a key twice": (b"run: x\nrun: y\n", "invalid-spec", 'the key "run" is here twice'),
    "a key twice, deeper": (b"run: x\nresources: {cpus: 1, cpus: 2}\n", "invalid-spec", 'the key "cpus" is here twice'),
    "a list as a key": (b"run: x\n? [a, b]\n: c\n", "invalid-spec", "cannot be a key"),
    "an unknown key": (b"run: x\nresorces: {cpus: 1}\n", "invalid-spec", 'did you mean "resources"?'),
    "an unknown key, deeper": (b"run: x\nresources: {memroy: 1G}\n", "invalid-spec", 'did you mean "memory"?'),
    "an unknown key of a stage": (b"stages: {a: {rum: x}}\n", "invalid-spec", 'did you mean "run"?'),
    "nothing to run": (b"name: idle\n", "invalid-spec", "run"),
    "a cycle": (b"stages: {a: {run: x, needs: [b]}, b: {run: x, needs: [a]}}\n", "invalid-spec", "a"),
    "a stage that needs itself": (b"stages: {a: {run: x, needs: [a]}}\n", "invalid-spec", "a"),
    "a stage that is not there": (b"stages: {a: {run: x, needs: [aa]}}\n", "invalid-spec", "aa"),
    "memory without a unit": (b"run: x\nresources: {memory: 512}\n", "invalid-spec", "512M"),
    "a time of no form": (b"run: x\ntimeout: 1:30:00\n", "invalid-spec", "timeout"),
    "less than no retries": (b"run: x\nretries: -1\n", "invalid-spec", "retries"),
    "a range backwards": (b"run: x\narray: 9..0\n", "invalid-spec", "array"),
    "a parameter called PATH": (b"run: x\nparams: {PATH: /evil}\n", "invalid-spec", "PATH"),
    "a parameter that is no name": (b"run: x\nparams: {'a;id': 1}\n", "invalid-spec", "a;id"),
    "an output outside": (b"run: x\noutputs: [../../etc]\n", "invalid-spec", "outputs"),
    "a dataset outside": (b"run: x\ndata: {d: datasets/../../x}\n", "invalid-spec", "data"),
    "a dataset that is not there": (b"run: x\ndata: {d: datasets/none}\n", "invalid-spec", "none"),
    "a name of two lines": (b'run: x\nname: "a\\nb"\n', "invalid-spec", "name"),
    "a name that writes to clipboards": (b'run: x\nname: "a\\e]52;c;aGk=\\ab"\n', "invalid-spec", "name"),
    "a tag with an escape": (b'run: x\ntags: ["a\\eb"]\n', "invalid-spec", "tags"),
    "a stage with an escape": (b'stages: {"a\\eb": {run: x}}\n', "invalid-spec", "stages"),
    "a key with an escape": (b'run: x\n"a\\eb": 1\n', "invalid-spec", "\\x1b"),
    "a parameter with a line break": (b'run: x\nparams: {"a\\nb": 1}\n', "invalid-spec", "params"),
    "an output with an escape": (b'run: x\noutputs: ["a\\eb"]\n', "invalid-spec", "outputs"),
    "a project with an escape": (b'run: x\nproject: "a\\eb"\n', "invalid-spec", "project"),
    "a queue with an escape": (b'run: x\nqueue: "a\\eb"\n', "invalid-spec", "queue"),
}


@pytest.mark.parametrize("wrong", WRONG_FILES)
def test_a_wrong_job_file_is_refused_where_it_is_wrong(live: Live, wrong: str) -> None:
    text, code, says = WRONG_FILES[wrong]

    assert says in refuse(live, "submit", text, code=code, status=2)


NOT_YET = (
    *("secrets: [TOKEN]", "notify: {to: ['webhook:chat']}", "cache: true", "checkpoint: {path: ckpt/}"),
    *("fail_fast: true", "launcher: torchrun", "preemptible: true", "tolerate: 2", "when: always"),
    *("resources: {any_of: [{gpus: 1}]}", "retries: {max: 1, backoff: 10s}", "nodes: 2"),
)


@pytest.mark.parametrize("later", NOT_YET)
def test_what_is_not_built_yet_is_said_by_name(live: Live, later: str) -> None:
    said = refuse(live, "submit", f"run: x\n{later}\n".encode(), code="not-yet-supported", status=2)

    assert "is not yet supported" in said


IMPOSSIBLE = ("cpus: 100000", "memory: 900T", "gpus: 64", "disk: 900000T")


@pytest.mark.parametrize("asked", IMPOSSIBLE)
def test_what_no_machine_could_ever_run_is_refused_with_what_there_is(live: Live, asked: str) -> None:
    said = refuse(live, "submit", f"run: x\nresources: {{{asked}}}\n".encode(), code="never-fits", status=5)

    assert "hint" in said or "why" in said


def test_a_matrix_of_a_billion_tasks_is_refused_at_once(live: Live) -> None:
    axes = ", ".join(f"a{axis}: 0..9" for axis in range(12))

    said = refuse(live, "submit", f"run: x\nmatrix: {{{axes}}}\n".encode(), code="invalid-spec", status=2)

    assert "1000000000000 tasks" in said


def test_a_check_says_the_same_as_a_submission(live: Live) -> None:
    text = b"run: x\nresorces: {}\n"

    submitted, checked = live.ssh("submit", stdin=text), live.ssh("check", stdin=text)

    assert (checked.code, checked.err) == (submitted.code, submitted.err)


def tar(*members: tarfile.TarInfo | tuple[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            file = tarfile.TarInfo(member[0])
            file.size = len(member[1])
            archive.addfile(file, io.BytesIO(member[1]))
    return packed.getvalue()


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


SPEC = ("tovi.yaml", b"run: true\n")
WHOLE = tar(SPEC, ("big", bytes(range(256)) * 4096))

WRONG_ARCHIVES = {
    "empty": (tar(), "empty"),
    "cut short": (WHOLE[:300_000], "truncated"),
    "cut short within its first header": (WHOLE[:200], "invalid"),
    "compressed and cut short": (gzip.compress(WHOLE)[:2000], "truncated"),
    "compressed and damaged": (gzip.compress(WHOLE)[:10] + b"\xff" * 3000, "damaged"),
    "without tovi.yaml": (tar(("train.py", b"x")), "no tovi.yaml at its top"),
    "with tovi.yaml further down": (tar(("code/tovi.yaml", b"run: x\n")), "code/tovi.yaml"),
    "tovi.yaml is a folder": (tar(special("tovi.yaml", tarfile.DIRTYPE)), "no tovi.yaml at its top"),
    "tovi.yaml is a link": (tar(special("tovi.yaml", tarfile.SYMTYPE, "other"), ("other", b"run: x")), "no tovi.yaml"),
    "leads up": (tar(SPEC, ("../evil", b"x")), "../evil"),
    "leads up on a detour": (tar(SPEC, ("a/../../evil", b"x")), "a/../../evil"),
    "absolute": (tar(SPEC, ("/etc/evil", b"x")), "/etc/evil"),
    "a link out": (tar(SPEC, special("out", tarfile.SYMTYPE, "../../..")), "out"),
    "an absolute link": (tar(SPEC, special("out", tarfile.SYMTYPE, "/etc/passwd")), "out"),
    "a file beneath a link": (tar(SPEC, special("d", tarfile.SYMTYPE, "."), ("d/x", b"x")), '"d"'),
    "a hard link out": (tar(SPEC, special("out", tarfile.LNKTYPE, "/etc/passwd")), "out"),
    "a device": (tar(SPEC, special("zero", tarfile.CHRTYPE)), "zero"),
    "a FIFO": (tar(SPEC, special("pipe", tarfile.FIFOTYPE)), "pipe"),
    "a name twice": (tar(SPEC, ("a", b"1"), ("a", b"2")), "twice"),
    "a name with a line break": (tar(SPEC, ("a\nb", b"1")), "control characters"),
    "a name with an escape": (tar(SPEC, (f"a{ESCAPE}", b"1")), "control characters"),
    "a very long name": (tar(SPEC, ("x" * 300, b"1")), "255"),
}


@pytest.mark.parametrize("wrong", WRONG_ARCHIVES)
def test_a_wrong_archive_is_refused(live: Live, wrong: str) -> None:
    packed, says = WRONG_ARCHIVES[wrong]

    assert says in refuse(live, "submit -", packed, code="invalid-archive", status=2)


def test_an_archive_whose_file_is_wrong_is_refused_like_the_file(live: Live) -> None:
    said = refuse(live, "submit -", tar(("tovi.yaml", b"run: x\nresorces: {}\n")), code="invalid-spec", status=2)

    assert 'did you mean "resources"?' in said


def test_nothing_piped_in_is_told_how_to_pipe(live: Live) -> None:
    for command in ("submit", "submit -", "check", "compile"):
        assert "standard input" in refuse(live, command, code="invalid-spec", status=2)


WRONG_WORDS = {
    "a verb that is near another": ("qeue", "did you mean `queue`?"),
    "a verb that is near nothing": ("xyzzy", "`help` lists all"),
    "a verb that would be dangerous": ("bash -c id", "is not a verb"),
    "half a verb": ("project", "project create"),
    "an option that is near another": ("submit --naem x", "--name"),
    "an argument too many": ("whoami bob", "does not take"),
    "an argument too few": ("show", "lacks"),
    "an unbalanced quote": ("submit --note 'it", "it arrived as: submit --note 'it"),
    "a number that is none": ("queue --limit many", "--limit"),
    "a number out of range": ("queue --limit 0", "out of range"),
    "a state that is none": ("jobs --state runing", "did you mean running?"),
    "a time that is none": ("wait 1 --timeout soon", "soon"),
    "a field that is none": ("whoami --fields nmae", "nmae"),
    "an id that is none": ("show abc", '"abc" is not an id'),
    "an id that is too large": ("show 99999999999999999999", "is not an id"),
    "an id below none": ("show -- -1", "is not an id"),
    "an id with a path in it": ("show ../1", "is not an id"),
    "an escape in a verb": (f"'{ESCAPE}'", "\\x1b"),
    "an escape in an id": (f"show '{ESCAPE}'", "\\x1b"),
    "a file of the client's": ("submit train.yaml", "the server cannot read"),
}


@pytest.mark.parametrize("wrong", WRONG_WORDS)
def test_wrong_words_are_a_usage_error(live: Live, wrong: str) -> None:
    command, says = WRONG_WORDS[wrong]

    assert says in refuse(live, command, code="usage", status=2)


def test_a_very_long_command_line_is_refused(live: Live) -> None:
    assert "the limit is" in refuse(live, "submit --note " + "x" * 70_000, code="usage", status=2)


HOSTILE = ("two\nlines", f"a{ESCAPE}", "tab\there", "right\u202eleft", "back\x08space", "\x9bcsi", "")
"""The last of them is nothing at all."""


@pytest.mark.parametrize("option", ["--name", "--tag", "--key"])
@pytest.mark.parametrize("text", HOSTILE)
def test_control_characters_in_what_names_a_job_are_refused(live: Live, option: str, text: str) -> None:
    refuse(live, f"submit {option} {shlex.quote(text)}", b"run: true\n", code="usage", status=2)


@pytest.mark.parametrize("text", [text for text in HOSTILE if text not in ("", "two\nlines", "tab\there")])
def test_control_characters_in_a_note_are_refused(live: Live, text: str) -> None:
    refuse(live, f"submit --note {shlex.quote(text)}", b"run: true\n", code="usage", status=2)


NO_NAMES = (*HOSTILE, "../up", "a/b", "Capital", "x" * 33)


@pytest.mark.parametrize("text", NO_NAMES)
def test_control_characters_and_paths_in_names_of_projects_are_refused(live: Live, text: str) -> None:
    refuse(live, f"project create -- {shlex.quote(text)}", code="usage", status=2)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("option", ["--project", "--queue"])
def test_control_characters_in_where_a_job_goes_are_refused(live: Live, option: str, text: str) -> None:
    refuse(live, f"submit {option} {shlex.quote(text)}", b"run: true\n", code="usage", status=2)


@pytest.mark.parametrize("text", NO_NAMES)
def test_what_is_not_there_is_named_on_one_line(live: Live, text: str) -> None:
    for command in ("project show", "project use", "dataset show", "admin user disable"):
        said = refuse(live, f"{command} -- {shlex.quote(text)}", code="not-found|usage", status=3)

        assert len(said.splitlines()) <= 3


@pytest.mark.parametrize("value", [f"{ESCAPE}=1", "two\nlines=1", "PATH=x", "b=1", "=1", "noequals"])
def test_a_wrong_parameter_on_the_command_line_is_refused(live: Live, value: str) -> None:
    ended = live.ssh(f"submit --param {shlex.quote(value)}", stdin=b"run: true\nparams: {a: 1}\n")

    assert (ended.code, ended.out) == (2, b"")
    told(ended, "usage|invalid-spec")


def test_an_upload_whose_name_has_control_characters_is_refused(live: Live, tmp_path: Path) -> None:
    bad = tmp_path / f"a{ESCAPE}"
    bad.write_bytes(b"x")

    live.sftp("mkdir datasets/d")
    for mode in ("-s", "-O"):
        ended = live.scp(mode, str(bad), "tovi:datasets/d/")

        assert ended.code != 0
        assert b"\x1b" not in ended.err
    assert live.json("dataset", "show", "d")["files"] == []


def test_a_key_that_is_none_is_refused(live: Live) -> None:
    for line in ("", "ssh-ed25519 AAAA", "ssh-rsa " + "A" * 10_000, f"{ESCAPE}", "-----BEGIN OPENSSH PRIVATE KEY-----"):
        ended = live.ssh("keys add", stdin=line.encode() + b"\n")

        assert ended.code == 2, ended
        told(ended, "usage")
