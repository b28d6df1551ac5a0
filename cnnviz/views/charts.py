"""Charts as plain numbers, for the pages whose knobs have to be answered at once; `app.components.answer` draws them.

A chart is a dict of its `name` on the page, its `kind`, its `height` in pixels, a `label` that says it in words, and
what its kind needs. Tones are blue, orange, green and pink, which colour-blind readers tell apart; a look or a pattern
is the second cue.
"""

import math
from collections.abc import Sequence
from typing import Any

Chart = dict[str, Any]
Axis = dict[str, Any]


def lines(
    name: str, label: str, height: int, x: Axis, y: Axis, series: Sequence[Chart], rules: Sequence[Chart] = ()
) -> Chart:
    """Lines over two axes.

    Args:
        series: as `line` gives them.
        rules: upright lines, each with its place `at` and a `text`.
    """
    return {
        **{"name": name, "kind": "lines", "height": height, "label": label},
        **{"x": x, "y": y, "series": list(series), "rules": list(rules)},
    }


def line(
    name: str,
    tone: str,
    points: Sequence[tuple[float, float, float]],
    say: str,
    *,
    look: str = "",
    mark: str = "diamond",
    digits: int = 0,
) -> Chart:
    """A series: points (x, y, radius of its mark in pixels).

    Args:
        say: what a point says, with {x} and {y}.
        look: words of 'dash', 'dot', 'thin', 'thick'; 'none' draws no line.
        mark: 'circle', 'diamond' or 'star', 'open' before it if it isn't filled.
        digits: of y, after the point.
    """
    rounded = [(_brief(x), _brief(y), radius) for x, y, radius in points if math.isfinite(y)]
    return {
        **{"name": name, "tone": tone, "points": rounded, "say": say},
        **{"look": look, "mark": mark, "digits": digits},
    }


def bars(name: str, label: str, height: int, rows: Sequence[Chart], *, axis_title: str = "", title: str = "") -> Chart:
    """Bars that lie, each of several parts.

    Args:
        rows: each with its `name`, its parts as `part` gives them, and `total`, a text behind it, if there is one.
        axis_title: of the axis, if it is to have one; else the texts have to say how much it is.
        title: above it.
    """
    most = max(sum(part["value"] for part in row["parts"]) for row in rows) or 1
    across = axis(axis_title, 0, most, at_most=5, widen=False)
    return {
        **{"name": name, "kind": "bars", "height": height, "label": label, "title": title},
        **{"x": across if axis_title else across | {"ticks": []}, "rows": list(rows)},
    }


def columns(
    name: str, label: str, height: int, names: Sequence[str], y: Axis, series: Sequence[Chart], **more: Any
) -> Chart:
    """Upright bars, side by side at each name.

    Args:
        names: on the axis below.
        series: each with its `name`, `tone`, `pattern`, `heights` and what one of them says, with {x} and {y}.
        more: `x`, an axis with `ticks` at some of the names only, and whether they are `turned`; `marks`, series that
            are drawn as a `mark` each; `band`, the places between which the ground is shaded.
    """
    legend = [{key: one[key] for key in ("name", "tone", "pattern")} for one in series]
    legend += [
        {"name": one["name"], "tone": one["tone"], "look": "none", "mark": one["mark"]} for one in more.get("marks", ())
    ]
    return {
        **{"name": name, "kind": "columns", "height": height, "label": label, "names": list(names), "y": y},
        **{"x": ticked("", 0, len(names), list(enumerate(names))), "series": list(series), "legend": legend},
        **more,
    }


def part(value: float, tone: str, pattern: str, say: str) -> Chart:
    """A part of a bar.

    Args:
        pattern: "", 'stripes', 'dots' or 'rings'.
        say: what it says.
    """
    return {"value": value, "tone": tone, "pattern": pattern, "say": say}


def axis(title: str, low: float, high: float, *, at_most: int = 6, widen: bool = True) -> Axis:
    """An axis from `low` to `high`, with ticks at round numbers; widened to the outer ones, if it may be."""
    span = (high - low) or 1.0
    rough = span / at_most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first, last = (
        (math.floor(low / step), math.ceil(high / step)) if widen else (math.ceil(low / step), math.floor(high / step))
    )
    last = max(last, first + widen)
    ticks = [_brief(number * step) for number in range(first, last + 1)]
    ends = (ticks[0], ticks[-1]) if widen else (low, low + span)
    return {"title": title, "from": ends[0], "to": ends[1], "ticks": [(tick, tick_text(tick)) for tick in ticks]}


def powers(title: str, low: float, high: float, *, share: bool = False) -> Axis:
    """A logarithmic axis, for values whose logarithm to 10 is drawn: ticks at 1, 2 and 5 times each power between.

    Args:
        share: whether its values are, and said in percent.
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    steps = [digit * 10.0**power for power in range(first, last + 1) for digit in (1, 2, 5)]
    few = [step for step in steps if low <= step <= high]
    if len(few) > 6:
        few = [step for step in few if math.isclose(math.log10(step), round(math.log10(step)), abs_tol=1e-9)]
    ticks = [(math.log10(step), f"{100 * step:g} %" if share else tick_text(step)) for step in few]
    return ticked(title, math.log10(low), math.log10(high), ticks)


def ticked(title: str, low: float, high: float, ticks: Sequence[tuple[float, str]]) -> Axis:
    """An axis with ticks of one's own."""
    return {"title": title, "from": low, "to": high, "ticks": list(ticks)}


def tick_text(value: float) -> str:
    """'−20', '1.5 k', '2 M'."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if abs(value) >= size:
            scale = 1e3 if unit == " k" else size
            return f"{value / scale:g}{unit}".replace("-", "−")
    return f"{value:g}".replace("-", "−")


def _brief(value: float) -> float:
    """No more digits than a chart shows."""
    return float(f"{value:.6g}")
