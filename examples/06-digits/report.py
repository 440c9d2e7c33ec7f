"""Choose between the models, and measure the chosen one on the images kept for that: `report.py SPLIT TRAINED`.

TRAINED has a folder for each task of the training. Leaves report.txt and metrics.json.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import digits

TEN = range(digits.CLASSES)


def main() -> None:
    split, trained = Path(sys.argv[1]), Path(sys.argv[2])
    folder = max(sorted(trained.iterdir(), key=lambda task: int(task.name)), key=accuracy_when_choosing)
    best = json.loads((folder / "model.json").read_text())
    images = digits.read(split / "test.csv")
    accuracy = digits.accuracy(best["weights"], images)
    lines = [
        f"best: lr {best['lr']}, decay {best['decay']}: {accuracy:.1%} of {len(images)} unseen images right",
        "",
        *table(confusion(best["weights"], images)),
    ]
    text = "\n".join(lines) + "\n"
    print(text, end="")
    Path("report.txt").write_text(text)
    Path("metrics.json").write_text(json.dumps({"accuracy": round(accuracy, 4), "images": len(images)}))


def accuracy_when_choosing(folder: Path) -> float:
    found: float = json.loads((folder / "metrics.json").read_text())["accuracy"]
    return found


def confusion(model: digits.Model, images: list[digits.Image]) -> list[list[int]]:
    """How often each digit (row) was taken for each (column)."""
    counts = [[0] * digits.CLASSES for _ in TEN]
    for image in images:
        counts[image.digit][digits.guess(model, image)] += 1
    return counts


def table(counts: list[list[int]]) -> Iterator[str]:
    yield "written   taken for " + "".join(f"{digit:4}" for digit in TEN)
    for digit in TEN:
        yield f"{digit:7}             " + "".join(f"{count or '.':>4}" for count in counts[digit])


main()
