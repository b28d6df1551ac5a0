"""How fast cnnviz is beside a peer: one module a part, each with `measure(repetitions)` that gives rows.

A row reports what was measured and the goal that it is held against; a goal that is missed is no error.
"""

import math
import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import psutil

# In the order in which they run; each is the module of this package that has its name.
PARTS = ("describe", "activations", "neighbour", "ui", "load")
_VERSIONS = ("torch", "streamlit", "torchinfo", "torchview", "fvcore", "torchlens")


@dataclass(frozen=True)
class Sample:
    """The median of several measurements, and the quartiles around it."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Sample":
        """Of one measurement or more."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0], 1)
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high, len(values))


@dataclass(frozen=True)
class Goal:
    """The most that a row's ratio, or our own median, should be."""

    at_most: float
    of: Literal["ratio", "ours"] = "ours"


@dataclass(frozen=True)
class Row:
    """One thing measured here, at a peer where there is one, and its goal where there is one.

    Attributes:
        unit: of both: ms, kB (1,000 bytes), MB, or how many forward passes.
        against: what the peer is.
    """

    what: str
    unit: Literal["ms", "kB", "MB", "passes"]
    ours: Sample
    peer: Sample | None = None
    against: str = ""
    goal: Goal | None = None

    @property
    def ratio(self) -> float | None:
        """Our median by the peer's."""
        return self.ours.median / self.peer.median if self.peer and self.peer.median else None

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None without one."""
        if self.goal is None:
            return None
        value = self.ours.median if self.goal.of == "ours" else self.ratio
        return value is not None and value <= self.goal.at_most


def machine() -> dict[str, str | int]:
    """What the figures hang on: processor, cores, memory, load, system, versions, and the commit where there is one."""
    described: dict[str, str | int] = {
        "cpu": _processor(),
        "cores": os.cpu_count() or 1,
        "memory": f"{psutil.virtual_memory().total / 1e9:.0f} GB",
        "os": platform.platform(),
        "python": platform.python_version(),
    }
    if hasattr(os, "getloadavg"):
        described["load before"] = f"{os.getloadavg()[0]:.1f}"
    if commit := _commit():
        described["commit"] = commit
    return described | {name: metadata.version(name) for name in _VERSIONS if _installed(name)}


def as_json(part: str, rows: Sequence[Row], described: dict[str, str | int]) -> dict[str, Any]:
    """A part's rows and the machine, as plain values."""
    return {
        "part": part,
        "machine": described,
        "rows": [
            {
                "what": row.what,
                "unit": row.unit,
                "ours": _plain(row.ours),
                "peer": row.peer and _plain(row.peer),
                "against": row.against or None,
                "ratio": row.ratio,
                "goal": row.goal and {"at_most": row.goal.at_most, "of": row.goal.of},
                "met": row.met,
            }
            for row in rows
        ],
    }


def as_text(rows: Sequence[Row], described: dict[str, str | int]) -> str:
    """A table for a terminal: medians, quartiles in brackets, and the machine below."""
    head = ("what", "ours", "peer", "ratio", "goal", "")
    lines = [head, *((_label(row), *_cells(row)) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    written = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    ]
    written.insert(1, "─" * max(map(len, written)))
    counts = sorted({row.ours.count for row in rows})
    times = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return "\n".join([*written, "", f"Medians of {times}, quartiles in brackets. {note(described)}.", ""])


def as_markdown(part: str, rows: Sequence[Row]) -> str:
    """A part's table for a document."""
    head = ("what", "ours", "peer", "ratio", "goal", "")
    lines = [head, ("---",) * len(head), *((_label(row), *_cells(row)) for row in rows)]
    return "\n".join([f"## {part}", "", *(f"| {' | '.join(line)} |" for line in lines), ""])


def note(described: dict[str, str | int]) -> str:
    """The machine in one line."""
    return ", ".join(f"{name} {value}" for name, value in described.items())


def _label(row: Row) -> str:
    return f"{row.what}, against {row.against}" if row.against else row.what


def _cells(row: Row) -> tuple[str, ...]:
    goal = ""
    if row.goal:
        most = row.goal.at_most
        written = f"1/{1 / most:g}" if 0 < most < 1 and (1 / most).is_integer() else f"{most:g}"
        goal = f"≤ {written} {'times' if row.goal.of == 'ratio' else row.unit}"
    return (
        _measured(row.ours, row.unit),
        _measured(row.peer, row.unit) if row.peer else "",
        _ratio(row.ratio),
        goal,
        {True: "met", False: "missed", None: ""}[row.met],
    )


def _ratio(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f"1/{1 / ratio:.0f}" if 0 < ratio < 0.1 else f"{ratio:.2f}"


def _measured(sample: Sample, unit: str) -> str:
    size = math.floor(math.log10(sample.median)) if sample.median else 2
    digits = min(3, max(0, 2 - size))
    return f"{sample.median:.{digits}f} {unit} ({sample.low:.{digits}f} to {sample.high:.{digits}f})"


def _plain(sample: Sample) -> dict[str, Any]:
    return {"median": sample.median, "quartiles": [sample.low, sample.high], "count": sample.count}


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _commit() -> str:
    """Of the checkout that this runs from, with a + where something in it has changed since; '' without one."""
    here = ["git", "-C", str(Path(__file__).parent)]
    asked = ["describe", "--always", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run([*here, *asked], capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    if described.is_file():
        for line in described.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
