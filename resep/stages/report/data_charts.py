"""The charts of the section on the data: what is left of the rows, the map of their clusters, the bend of a curve."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from markupsafe import Markup

from resep.stages.report.charts import Scale, scale_over

_HUES = 8  # of the style sheet: k0 to k7; a cluster is told by its number, the hue only helps
_MAP_HEIGHT = 440
_LABEL_PERCENT = (2.6, 4.2)  # how far apart two numbers stand at least: across, or down


def share_bar(left: int, lost: int, whole: int, title: str) -> Markup:
    """A bar of what is left, and behind it what went here, on the scale of all rows."""
    scale = 100 / (whole or 1)
    parts = [
        Markup('<rect class="left" x="0" width="{:.2f}%" height="10"/>').format(left * scale),
        Markup('<rect class="lost" x="{:.2f}%" width="{:.2f}%" height="10"/>').format(left * scale, lost * scale),
    ]
    return _svg("funnel", 10, title, parts)


def cluster_map(points: Sequence[Sequence[float]]) -> Markup | None:
    """Rows as points (x, y, cluster, chosen): kept ones filled and larger; each cluster's number in its middle."""
    if not points:
        return None
    across = scale_over(point[0] for point in points)
    down = scale_over(point[1] for point in points)
    x, y = Scale(across.low, across.high, 1, 99), Scale(down.low, down.high, 98, 2)
    groups: dict[tuple[int, int], list[Markup]] = defaultdict(list)
    middles: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for px, py, cluster, chosen in points:
        at = (round(x.at(px), 1), round(y.at(py), 1))
        radius = 3.4 if chosen else 2
        circle = Markup('<circle cx="{}%" cy="{}%" r="{}"/>').format(*at, radius)
        groups[int(chosen), int(cluster)].append(circle)
        middles[int(cluster)].append(at)
    parts = [
        Markup('<g class="{} k{}">{}</g>').format("kept" if chosen else "gone", cluster % _HUES, Markup().join(drawn))
        for (chosen, cluster), drawn in sorted(groups.items())
    ]
    labels = {c: (median(p[0] for p in at), median(p[1] for p in at)) for c, at in sorted(middles.items())}
    parts += [
        Markup('<text class="number" x="{:.1f}%" y="{:.1f}%" dy="4" text-anchor="middle">{}</text>').format(
            *place, cluster + 1
        )
        for cluster, place in _apart(labels).items()
    ]
    kept = sum(bool(point[3]) for point in points)
    title = f"{len(points)} rows of {len(middles)} clusters in two dimensions, {kept} of them kept"
    return _svg("clusters", _MAP_HEIGHT, title, parts)


def elbow_curve(tried: Sequence[tuple[int, float]], count: int) -> Markup | None:
    """The spread that is left within so many clusters, the settled number marked."""
    if len(tried) < 3:
        return None
    x = Scale(0, max(clusters for clusters, _ in tried), 7, 97)
    span = scale_over(left for _, left in tried)
    y = Scale(span.low, span.high, 80, 6)
    parts = [
        Markup('<text x="6%" y="{}%" dy="4" text-anchor="end">{:.0%}</text>').format(y.at(left), left)
        for left in (tried[0][1], tried[-1][1])
    ]
    parts += [
        Markup('<line class="bend" x1="{}%" y1="{}%" x2="{}%" y2="{}%"/>').format(x.at(a), y.at(b), x.at(c), y.at(d))
        for (a, b), (c, d) in pairwise(tried)
    ]
    for clusters, left in tried:
        tone = "best" if clusters == count else ""
        parts.append(
            Markup(
                '<circle class="bend {}" cx="{}%" cy="{}%" r="{}"><title>{} clusters: {:.0%} left</title></circle>'
            ).format(tone, x.at(clusters), y.at(left), 5 if tone else 3, clusters, left)
        )
    shown = [clusters for clusters, _ in tried if clusters >= 8 or clusters == count]
    parts += [
        Markup('<text x="{}%" y="97%" text-anchor="middle">{}</text>').format(x.at(clusters), clusters)
        for clusters in shown
    ]
    return _svg("elbow", 130, f"Spread left within so many clusters; {count} were settled on", parts)


def _apart(labels: Mapping[int, tuple[float, float]]) -> dict[int, tuple[float, float]]:
    """The places moved down until no two numbers cover each other."""
    wide, high = _LABEL_PERCENT
    placed: dict[int, tuple[float, float]] = {}
    for cluster, (x, y) in sorted(labels.items(), key=lambda item: item[1][1]):
        while any(abs(x - ox) < wide and abs(y - oy) < high for ox, oy in placed.values()):
            y += high / 4
        placed[cluster] = (x, y)
    return placed


def _svg(kind: str, height: int, title: str, parts: Iterable[Any]) -> Markup:
    body = Markup().join([Markup("<title>{}</title>").format(title), *parts])
    return Markup('<svg class="chart {}" width="100%" height="{}" role="img" aria-label="{}">{}</svg>').format(
        kind, height, title, body
    )
