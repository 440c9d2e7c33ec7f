"""Drop what cosmic rays spoilt, and make each star's brightness vary around zero: `clean.py FROM TO`."""

import csv
import statistics
import sys
from pathlib import Path

SPOILT = 0.05


def main() -> None:
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    target.mkdir()
    for path in sorted(source.glob("*.csv")):
        with path.open() as file:
            points = [(row["time_days"], float(row["brightness"])) for row in csv.DictReader(file)]
        median = statistics.median(seen for _, seen in points)
        good = [(time, seen - median) for time, seen in points if abs(seen - median) < SPOILT]
        print(f"{path.stem}: {len(points)} points, {len(points) - len(good)} spoilt")
        (target / path.name).write_text("".join(f"{time},{seen:.5f}\n" for time, seen in good))


main()
