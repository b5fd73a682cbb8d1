"""The page's charts as inline SVG. Positions are per cent of the width, so that text keeps its size on a phone.

Colours are classes of the page's style sheet (blue for better, orange for worse: told apart by every kind of colour
blindness, and by their place); every chart has a title that says in words what it shows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from resep.rounding import plain
from resep.stages.report.examples import Alignment

_BINS = 10  # on each side of zero
_POINTS = 400  # of a curve that are drawn; more cannot be seen


@dataclass(frozen=True)
class Scale:
    """Maps low..high to start..end per cent of the width (or height)."""

    low: float
    high: float
    start: float = 0.0
    end: float = 100.0

    def at(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + (self.end - self.start) * share, 2)


def ticks(low: float, high: float, wanted: int = 7) -> list[float]:
    """About `wanted` round numbers from low to high."""
    rough = (high - low) / wanted
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough * 0.999)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def decimals(numbers: Sequence[float]) -> int:
    """How many decimals the ticks need."""
    return next((d for d in range(7) if all(abs(round(n, d) - n) < 1e-9 for n in numbers)), 7)


def scale_over(numbers: Iterable[float], including: Sequence[float] = ()) -> Scale:
    """A scale with a little air around the numbers."""
    every = [*numbers, *including] or [0.0, 1.0]
    low, high = min(every), max(every)
    air = (high - low) * 0.06 or 0.5
    return Scale(low - air, high + air)


def interval(scale: Scale, value: float, low: float | None, high: float | None, tone: str, title: str) -> Markup:
    """One row of a forest plot: a line from low to high, a mark at the value, a rule at zero where it is in sight."""
    parts = [_rule(scale, 0.0, "zero")] if scale.low <= 0 <= scale.high else []
    if low is not None and high is not None:
        parts.append(
            Markup('<line class="whisker" x1="{}%" x2="{}%" y1="50%" y2="50%"/>').format(scale.at(low), scale.at(high))
        )
    parts.append(Markup('<circle class="dot" cx="{}%" cy="50%" r="5.5"/>').format(scale.at(value)))
    return _svg("interval " + tone, 26, title, parts)


def axis(scale: Scale) -> Markup:
    """The numbers under a column of `interval` rows."""
    marks = ticks(scale.low, scale.high)
    d = decimals(marks)
    parts = [
        Markup('<text x="{}%" y="12" text-anchor="middle">{}</text>').format(scale.at(m), plain(m, d)) for m in marks
    ]
    return Markup('<svg class="chart axis" width="100%" height="18" aria-hidden="true">{}</svg>').format(
        Markup().join(parts)
    )


def tally(wins: int, ties: int, losses: int) -> Markup:
    """A bar of wins, ties and losses."""
    total, x, parts = wins + ties + losses or 1, 0.0, []
    for count, tone in ((wins, "better"), (ties, "even"), (losses, "worse")):
        width = 100 * count / total
        parts.append(Markup('<rect class="{}" x="{:.2f}%" width="{:.2f}%" height="10"/>').format(tone, x, width))
        x += width
    return _svg("tally", 10, f"{wins} rows better, {ties} equal, {losses} worse", parts)


def histogram(differences: Sequence[float], lower_is_better: bool = False) -> Markup:
    """How many rows changed by how much; equal rows are a bar of their own in the middle."""
    reach = max((abs(d) for d in differences), default=0.0) or 1.0
    counts = [0] * (2 * _BINS + 1)
    for d in differences:
        counts[_BINS + math.ceil(abs(d) / reach * _BINS - 1e-9) * (1 if d > 0 else -1)] += 1
    scale, tallest = Scale(-_BINS - 0.5, _BINS + 0.5, 2, 98), max(counts) or 1
    parts = []
    for i, count in enumerate(counts):
        side = (i - _BINS) * (-1 if lower_is_better else 1)
        tone = "better" if side > 0 else "worse" if side < 0 else "even"
        left, right, height = scale.at(i - _BINS - 0.42), scale.at(i - _BINS + 0.42), 100 * count / tallest
        parts.append(
            Markup(
                '<rect class="{}" x="{}%" width="{:.2f}%" y="{:.1f}" height="{:.1f}"><title>{}</title></rect>'
            ).format(tone, left, right - left, 118 - height, height, f"{count} rows")
        )
        if count:
            parts.append(_text(scale.at(i - _BINS), 113 - height, str(count), "count"))
    d = decimals([reach / 2, reach]) if reach < 1e6 else 0
    for share in (-1.0, -0.5, 0.0, 0.5, 1.0):
        parts.append(_text(scale.at(share * _BINS), 136, plain(share * reach, min(d, 3)), ""))
    parts.append(Markup('<line class="base" x1="2%" x2="98%" y1="118.5" y2="118.5"/>'))
    return _svg("histogram", 142, f"Differences per row over {len(differences)} rows, equal rows in the middle", parts)


def loss_curve(curve: Sequence[Mapping[str, Any]]) -> Markup | None:
    """Training loss as a line, validation loss as a line with points, the best one marked; None without losses."""
    trained = _thinned([(r["step"], r["loss"]) for r in curve if r.get("loss") is not None])
    checked = [(r["step"], r["eval_loss"]) for r in curve if r.get("eval_loss") is not None]
    points = trained + checked
    if not points:
        return None
    steps, losses = [s for s, _ in points], [v for _, v in points]
    x = Scale(min(steps), max(max(steps), min(steps) + 1), 7, 97)
    span = scale_over(losses)
    y = Scale(span.low, span.high, 88, 4)
    parts = [part for mark in ticks(span.low, span.high) for part in _gridline(y.at(mark), plain(mark, 2))]
    marks = [m for m in ticks(x.low, x.high, 6) if m == int(m)]
    parts += [_text_percent(x.at(m), 97, plain(m, 0), "middle") for m in marks]
    parts += [*_line(trained, x, y, "trained"), *_line(checked, x, y, "checked")]
    best = min(checked, key=lambda point: point[1], default=None)
    for point in checked:
        tone = "best" if point == best else ""
        parts.append(
            Markup(
                '<circle class="checked {}" cx="{}%" cy="{}%" r="{}"><title>step {}: {:.4f}</title></circle>'
            ).format(tone, x.at(point[0]), y.at(point[1]), 6 if tone else 4, *point)
        )
    ends = f"training loss from {trained[0][1]:.2f} to {trained[-1][1]:.2f}" if trained else "no training loss"
    told = f"; lowest validation loss {best[1]:.2f} at step {best[0]}" if best else ""
    return _svg("loss", 260, f"Loss by step: {ends}{told}", parts)


def alignment(found: Alignment) -> Markup:
    """Output steps on the left, target steps on the right, a line for each match; crossing ones stand out."""
    rows = max(len(found.steps), found.targets, 1)
    gap, height = 9, 9 * rows + 3
    parts = [
        Markup('<line class="{}" x1="5" y1="{}" x2="39" y2="{}"/>').format(
            "cross" if bent else "match", i * gap + 6, j * gap + 6
        )
        for i, j, bent in found.links
    ]
    matched, reached = {i for i, _, _ in found.links}, {j for _, j, _ in found.links}
    for x, count, linked in ((5, len(found.steps), matched), (39, found.targets, reached)):
        parts += [
            Markup('<circle class="{}" cx="{}" cy="{}" r="2.6"/>').format(
                "on" if k in linked else "off", x, k * gap + 6
            )
            for k in range(count)
        ]
    crossing = sum(bent for *_, bent in found.links)
    title = f"{len(found.links)} of {found.targets} target steps matched, {crossing} out of order"
    return Markup('<svg class="chart links" width="44" height="{}" role="img" aria-label="{}">{}</svg>').format(
        height, title, Markup().join([Markup("<title>{}</title>").format(title), *parts])
    )


def _svg(kind: str, height: int, title: str, parts: Iterable[Markup]) -> Markup:
    body = Markup().join([Markup("<title>{}</title>").format(title), *parts])
    return Markup('<svg class="chart {}" width="100%" height="{}" role="img" aria-label="{}">{}</svg>').format(
        kind, height, title, body
    )


def _rule(scale: Scale, value: float, kind: str) -> Markup:
    x = scale.at(value)
    return Markup('<line class="{}" x1="{}%" x2="{}%" y1="0" y2="100%"/>').format(kind, x, x)


def _text(x: float, y: float, text: str, kind: str) -> Markup:
    return Markup('<text class="{}" x="{}%" y="{:.1f}" text-anchor="middle">{}</text>').format(kind, x, y, text)


def _text_percent(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text x="{}%" y="{}%" text-anchor="{}">{}</text>').format(x, y, anchor, text)


def _gridline(y: float, label: str) -> list[Markup]:
    line = Markup('<line class="grid" x1="7%" x2="97%" y1="{}%" y2="{}%"/>').format(y, y)
    return [line, Markup('<text x="6%" y="{}%" dy="4" text-anchor="end">{}</text>').format(y, label)]


def _line(points: Sequence[tuple[float, float]], x: Scale, y: Scale, kind: str) -> Iterable[Markup]:
    """Segments, since a polyline takes no per cent."""
    for (x1, y1), (x2, y2) in pairwise(points):
        yield Markup('<line class="{}" x1="{}%" y1="{}%" x2="{}%" y2="{}%"/>').format(
            kind, x.at(x1), y.at(y1), x.at(x2), y.at(y2)
        )


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    stride = -(-len(points) // _POINTS) or 1
    return points[::stride] + (points[-1:] if (len(points) - 1) % stride else [])
