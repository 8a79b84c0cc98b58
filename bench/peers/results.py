"""The file of a run: every cell of every round, written after each cell."""

import json
import os
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple


class Spread(NamedTuple):
    """One number over all rounds."""

    median: float
    least: float
    most: float


class Results:
    """What was found, by peer, round and scenario."""

    def __init__(self, path: Path) -> None:
        self.path = path
        found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        self.run: dict[str, Any] = found.get("run", {})
        self.peers: dict[str, dict[str, Any]] = found.get("peers", {})
        self.cells: list[dict[str, Any]] = found.get("cells", [])

    def forget(self, peers: set[str], scenarios: set[str]) -> None:
        """Leave out what will be measured anew."""
        self.cells = [
            cell
            for cell in self.cells
            if cell["peer"] not in peers or cell["scenario"] not in scenarios
        ]

    def has(self, peer: str, number: int, scenario: str) -> bool:
        """Say whether a cell was measured, and not in vain."""
        key = (peer, number, scenario)
        rows = (c for c in self.cells if (c["peer"], c["round"], c["scenario"]) == key)
        return any("values" in cell for cell in rows)

    def add(self, peer: str, number: int, scenario: str, found: dict[str, Any]) -> None:
        """Keep a cell, in place of an earlier one, and write the file."""
        row = {"peer": peer, "round": number, "scenario": scenario}
        self.cells = [c for c in self.cells if {k: c[k] for k in row} != row]
        self.cells.append({**row, **found})
        self.write()

    def write(self) -> None:
        """Replace the file by a whole one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        whole = {"run": self.run, "peers": self.peers, "cells": []}
        head = json.dumps(whole, indent=1).removesuffix("[]\n}")
        rows = ",\n".join("  " + json.dumps(_rounded(cell)) for cell in self.cells)
        draft = self.path.with_suffix(".part")
        draft.write_text(f"{head}[\n{rows}\n ]\n}}\n")
        os.replace(draft, self.path)

    @property
    def rounds(self) -> int:
        """How many rounds there were, whatever was asked for."""
        return len({cell["round"] for cell in self.cells})

    def values(self, peer: str, scenario: str, name: str) -> list[float]:
        """Return one number of all rounds."""
        return [cell["values"][name] for cell in self._of(peer, scenario) if name in cell["values"]]

    def spread(self, peer: str, scenario: str, name: str) -> Spread | None:
        """Return the median of all rounds, the least and the most."""
        found = self.values(peer, scenario, name)
        return Spread(statistics.median(found), min(found), max(found)) if found else None

    def error(self, peer: str, scenario: str) -> str | None:
        """Return why there is no number."""
        rows = (cell for cell in self.cells if (cell["peer"], cell["scenario"]) == (peer, scenario))
        return next((cell["error"] for cell in rows if "error" in cell), None)

    def _of(self, peer: str, scenario: str) -> Iterator[dict[str, Any]]:
        for cell in self.cells:
            if (cell["peer"], cell["scenario"]) == (peer, scenario) and "values" in cell:
                yield cell


def _rounded(cell: dict[str, Any]) -> dict[str, Any]:
    """Leave out digits that mean nothing."""
    if "values" not in cell:
        return cell
    return {**cell, "values": {k: float(f"{v:.5g}") for k, v in cell["values"].items()}}
