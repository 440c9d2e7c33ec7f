"""Swing a pendulum for ten seconds, and see how much energy the method makes up on the way."""

import argparse
import json
import math
from collections.abc import Callable
from pathlib import Path

SECONDS = 10
State = tuple[float, float]  # angle, and how fast it changes


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--method", choices=METHODS, required=True)
    parser.add_argument("--dt", type=float, required=True)
    asked = parser.parse_args()
    state: State = (1.0, 0.0)
    before, steps = energy(state), round(SECONDS / asked.dt)
    for number in range(steps):
        state = METHODS[asked.method](state, asked.dt)
        if number % (steps // 5) == 0:
            print(f"{number * asked.dt:5.2f} s  energy {energy(state):.6f}")
    error = abs(energy(state) - before)
    Path("metrics.json").write_text(json.dumps({"energy_error": error, "steps": steps}))


def change(state: State) -> State:
    angle, speed = state
    return speed, -math.sin(angle)


def energy(state: State) -> float:
    angle, speed = state
    return speed * speed / 2 - math.cos(angle)


def moved(state: State, along: State, dt: float) -> State:
    return state[0] + dt * along[0], state[1] + dt * along[1]


def euler(state: State, dt: float) -> State:
    return moved(state, change(state), dt)


def midpoint(state: State, dt: float) -> State:
    return moved(state, change(euler(state, dt / 2)), dt)


def rk4(state: State, dt: float) -> State:
    first = change(state)
    second = change(moved(state, first, dt / 2))
    third = change(moved(state, second, dt / 2))
    fourth = change(moved(state, third, dt))
    for weight, along in ((1, first), (2, second), (2, third), (1, fourth)):
        state = moved(state, along, dt * weight / 6)
    return state


METHODS: dict[str, Callable[[State, float], State]] = {"euler": euler, "midpoint": midpoint, "rk4": rk4}

main()
