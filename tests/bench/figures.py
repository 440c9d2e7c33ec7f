"""What a bench finds: figures, each against its gate. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.spread import Spread


@dataclass(frozen=True, slots=True)
class Gate:
    """What a value has to be: at most, or at least, so much."""

    bound: float
    unit: str = ""
    least: bool = False

    def met(self, value: float) -> bool:
        return value >= self.bound if self.least else value <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.least else '≤'} {self.bound:g} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure of ours; the gate is of its ratio to the peer's where there is a peer, else of itself."""

    measure: str
    ours: Spread
    unit: str
    gate: Gate | None = None
    """None: told only because it explains another."""
    peer: Spread | None = None

    @property
    def ratio(self) -> float | None:
        """Of the medians; None: there is no peer."""
        return None if self.peer is None else self.ours.median / self.peer.median

    @property
    def verdict(self) -> str:
        if self.gate is None:
            return ""
        value = self.ours.median if self.ratio is None else self.ratio
        return "met" if self.gate.met(value) else "missed"

    def cells(self) -> tuple[str, str, str, str, str, str]:
        """Measure, ours, peer, ratio, gate, verdict; `-` where there is none."""
        peer = "-" if self.peer is None else self.peer.text(self.unit)
        ratio = "-" if self.ratio is None else f"{self.ratio:.2f}"
        gate = "-" if self.gate is None else str(self.gate)
        return self.measure, self.ours.text(self.unit), peer, ratio, gate, self.verdict or "-"

    def line(self) -> str:
        """All of it in one line."""
        measure, ours, peer, ratio, gate, verdict = self.cells()
        return f"{measure}: ours {ours}, peer {peer}, ratio {ratio}, gate {gate}, {verdict}"
