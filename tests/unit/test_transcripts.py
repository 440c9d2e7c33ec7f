"""Transcripts in READMEs are played as they are written."""

from __future__ import annotations

from tests.ssh_edge import Ended
from tests.transcripts import Step, play, steps

README = """\
# A job

```console
$ ssh tovi submit < tovi.yaml
12
$ ssh tovi logs 12
epoch 1
...
epoch 9: 1e-12
```

Later:

```console
$ ssh tovi wait 12
```
"""


def test_a_step_is_what_is_typed_and_what_comes_back() -> None:
    assert list(steps(README)) == [
        Step("ssh tovi submit < tovi.yaml", "12\n"),
        Step("ssh tovi logs 12", "epoch 1\n...\nepoch 9: 1e-12\n"),
        Step("ssh tovi wait 12", ""),
    ]


def test_twelve_stands_for_the_id_that_was_printed() -> None:
    typed = []

    def type_line(line: str) -> Ended:
        typed.append(line)
        back = {"ssh tovi submit < tovi.yaml": "7\n", "ssh tovi logs 7": "epoch 1\nepoch 5\nepoch   9: 1e-12\n"}
        return Ended(0, back.get(line, "").encode(), b"7 is waiting\n")

    played = play(README, type_line)

    assert typed == ["ssh tovi submit < tovi.yaml", "ssh tovi logs 7", "ssh tovi wait 7"]
    assert (played.job, played.otherwise) == (7, ())


def test_what_comes_back_otherwise_is_told() -> None:
    played = play(README, lambda line: Ended(0, b"7\n" if "submit" in line else b"epoch 1\nepoch 8\n", b""))

    assert [text.partition("\n")[0] for text in played.otherwise] == ["$ ssh tovi logs 7", "$ ssh tovi wait 7"]
