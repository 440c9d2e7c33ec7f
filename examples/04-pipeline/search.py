"""Look for a planet: try periods, fold the curve over each, and keep the one with the clearest dip.

`search.py CURVE SHORTEST LONGEST` leaves best.json.
"""

import json
import math
import statistics
import sys
from pathlib import Path

STEP, LASTS = 0.02, 0.16
Point = tuple[float, float]


def main() -> None:
    curve, shortest, longest = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    points = [(float(time), float(seen)) for time, seen in (line.split(",") for line in curve.read_text().split())]
    noise = statistics.pstdev(seen for _, seen in points)
    best = {"period_days": 0.0, "depth": 0.0, "signal_to_noise": 0.0}
    for number in range(round((longest - shortest) / STEP)):
        period = round(shortest + number * STEP, 2)
        depth, signal = dip(points, period, noise)
        if signal > best["signal_to_noise"]:
            best = {"period_days": period, "depth": round(depth, 5), "signal_to_noise": round(signal, 2)}
            print(f"{curve.stem}: {period:.2f} days, signal to noise {signal:.1f}")
    Path("best.json").write_text(json.dumps(best))


def dip(points: list[Point], period: float, noise: float) -> tuple[float, float]:
    """How deep the deepest part of the folded curve is, and how many times its own uncertainty that is."""
    parts: dict[int, list[float]] = {}
    for time, seen in points:
        parts.setdefault(int(time % period / LASTS), []).append(seen)
    return max(
        ((-statistics.fmean(part), -statistics.fmean(part) * math.sqrt(len(part)) / noise) for part in parts.values()),
        key=lambda found: found[1],
    )


main()
