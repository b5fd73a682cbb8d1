"""The metrics that an evaluator gives with the options of a recipe: METRICS, or what its `metrics(options)` says.

A recipe may name criteria of its own, and each is a metric. A shipped plug-in with a function `metrics(options)` is
opened for that, so it has to be light; a stranger's never is, while a recipe is only checked.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resep.plugins import Plugin, is_shipped, open_plugin, option_values
from resep.records import Metric


def metrics_of(plugin: Plugin, options: Mapping[str, Any]) -> tuple[Metric, ...] | None:
    """The metrics of an evaluator with these options, None where that could not be told without running its code."""
    if not plugin.defines_metrics:
        return plugin.metrics
    if not is_shipped(plugin.path):
        return None
    return tuple(open_plugin(plugin.path).metrics(option_values(plugin, options)))
