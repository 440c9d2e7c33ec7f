"""Learn from images by stochastic gradient descent; leaves model.json and metrics.json."""

import argparse
import json
import math
import random
from pathlib import Path

import digits

TEN = range(digits.CLASSES)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--lr", type=float, required=True, help="how far one image moves the weights")
    parser.add_argument("--decay", type=float, required=True, help="the share of the rate that is left an epoch later")
    parser.add_argument("--epochs", type=int, required=True)
    asked = parser.parse_args()

    images = digits.read(asked.split / "train.csv")
    model = [[0.0] * len(images[0].pixels) for _ in TEN]
    chance, loss = random.Random(0), 0.0
    for epoch in range(asked.epochs):
        chance.shuffle(images)
        loss = learn(model, images, rate=asked.lr * asked.decay**epoch)
        print(f"epoch {epoch + 1}/{asked.epochs}  loss {loss:.4f}")

    accuracy = digits.accuracy(model, digits.read(asked.split / "choose.csv"))
    print(f"accuracy {accuracy:.4f} on images it did not learn from")
    Path("model.json").write_text(json.dumps({"lr": asked.lr, "decay": asked.decay, "weights": model}))
    Path("metrics.json").write_text(json.dumps({"accuracy": round(accuracy, 4), "loss": round(loss, 4)}))


def learn(model: digits.Model, images: list[digits.Image], *, rate: float) -> float:
    """Move the weights by every image once; how surprised the model was by them, on average."""
    surprise = 0.0
    for image in images:
        likely = digits.probabilities(model, image.pixels)
        surprise -= math.log(likely[image.digit])
        for digit in TEN:
            step = rate * ((digit == image.digit) - likely[digit])
            if abs(step) > 1e-6:
                model[digit] = [w + step * pixel for w, pixel in zip(model[digit], image.pixels, strict=True)]
    return surprise / len(images)


main()
