"""Images of handwritten digits, and the model that tells which digit they show: softmax regression, in plain Python."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import mul
from pathlib import Path

CLASSES = 10
BRIGHTEST = 16


@dataclass(frozen=True)
class Image:
    """The 64 pixels, row by row, from 0 to 1, then a 1 that carries the bias; and the digit that a person wrote."""

    pixels: tuple[float, ...]
    digit: int


Model = list[list[float]]
"""For each digit, a weight for each pixel and one for the bias."""


def read(path: Path) -> list[Image]:
    """A line of the file has the 64 pixels, from 0 to 16, and the digit."""
    rows = ([int(number) for number in line.split(",")] for line in path.read_text().split())
    return [Image((*(pixel / BRIGHTEST for pixel in row[:-1]), 1.0), row[-1]) for row in rows]


def probabilities(model: Model, pixels: Sequence[float]) -> list[float]:
    scores = [sum(map(mul, weights, pixels)) for weights in model]
    highest = max(scores)
    powers = [math.exp(score - highest) for score in scores]
    total = sum(powers)
    return [power / total for power in powers]


def guess(model: Model, image: Image) -> int:
    likely = probabilities(model, image.pixels)
    return likely.index(max(likely))


def accuracy(model: Model, images: Sequence[Image]) -> float:
    return sum(guess(model, image) == image.digit for image in images) / len(images)
