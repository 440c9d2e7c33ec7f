"""Made the files in datasets/stars: three stars as a telescope would see them, two of them with a planet.

Time in days, brightness as a fraction. Every star flickers a little, some points are spoilt by cosmic rays, and a
planet dims its star by a known depth for a few hours once a period. What is found can so be compared with what is true.
"""

import random
from pathlib import Path

STARS = {"alder": (2.3, 0.006), "birch": (0.0, 0.0), "cedar": (5.1, 0.010)}  # period in days, depth
DAYS, EVERY, LASTS = 27, 0.04, 0.16


def main() -> None:
    folder = Path("datasets/stars")
    folder.mkdir(parents=True, exist_ok=True)
    for name, (period, depth) in STARS.items():
        chance = random.Random(name)
        lines = [f"{time:.2f},{brightness(time, period, depth, chance):.5f}" for time in times()]
        (folder / f"{name}.csv").write_text("time_days,brightness\n" + "\n".join(lines) + "\n")


def times() -> list[float]:
    return [step * EVERY for step in range(round(DAYS / EVERY))]


def brightness(time: float, period: float, depth: float, chance: random.Random) -> float:
    seen = 1 + chance.gauss(0, 0.0015)
    if period and (time + 1) % period < LASTS:
        seen -= depth
    return seen + 0.2 if chance.random() < 0.01 else seen


main()
