"""Shuffle the images and split them into three parts: `prepare.py FILE FOLDER SEED`.

60 % are to learn from, 20 % to choose between models, and 20 % to measure the chosen one, which has never seen them.
"""

import random
import sys
from pathlib import Path


def main() -> None:
    source, folder, seed = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    lines = source.read_text().splitlines(keepends=True)
    random.Random(seed).shuffle(lines)
    first, second = len(lines) * 6 // 10, len(lines) * 8 // 10
    parts = {"train": lines[:first], "choose": lines[first:second], "test": lines[second:]}
    folder.mkdir()
    for name, part in parts.items():
        (folder / f"{name}.csv").write_text("".join(part))
        print(f"{name}: {len(part)} images")


main()
