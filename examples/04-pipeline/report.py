"""Say what was found for each star: `report.py FOLDER`, with a folder for each task of the search."""

import json
import sys
from pathlib import Path

SURE = 8  # times the noise: less is found in plain flicker when many periods are tried


def main() -> None:
    found: dict[str, list[dict[str, float]]] = {}
    for folder in Path(sys.argv[1]).iterdir():
        star = (folder / "star").read_text().strip()
        found.setdefault(star, []).append(json.loads((folder / "best.json").read_text()))
    lines = [f"{star}: {sentence(max(tries, key=signal))}" for star, tries in sorted(found.items())]
    Path("report.txt").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


def signal(one: dict[str, float]) -> float:
    return one["signal_to_noise"]


def sentence(best: dict[str, float]) -> str:
    if signal(best) < SURE:
        return "no planet"
    return f"a planet every {best['period_days']:.2f} days, {best['depth'] * 100:.1f} % deep"


main()
