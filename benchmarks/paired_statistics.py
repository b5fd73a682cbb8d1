"""What comparing two arms costs: 10,000 resamples and sign flips of many metrics at once, beside scipy's for one.

    python benchmarks/paired_statistics.py [--rows 1000] [--metrics 10] [--runs 5]

CPU seconds, the median of the runs. A corpus metric of k statistics is a ratio of sums over k numbers per row, so that
the sums, not the metric's own formula, are what is measured. scipy does one metric, bootstrap (percentile) and
permutation test (signs), with as many resamples; ours does all metrics in one go.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import numpy as np
import scipy.stats

from resep.records import Metric
from resep.statistics import RESAMPLES, Paired, compare, pair, pair_corpus

_CORPUS = (4, 20, 100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--metrics", type=int, default=10)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    means = [_mean(rng, args.rows, f"m{i}") for i in range(args.metrics)]
    ours = _seconds(lambda: compare(means, "base", "tuned", primary="m0"), args.runs)
    print(f"{RESAMPLES:,} resamples, {args.rows:,} rows; CPU seconds, median of {args.runs}\n")
    print(f"{args.metrics} metrics, ours{'':24}{ours:8.3f}")
    theirs = _seconds(lambda: _scipy(means[0].differences), 1)
    print(f"1 metric, scipy{'':26}{theirs:8.3f}   {theirs * args.metrics / ours:.0f} times ours, per metric")
    for k in _CORPUS:
        corpus = _ratio(rng, args.rows, k)
        seconds = _seconds(partial(compare, [corpus], "base", "tuned", primary="corpus"), args.runs)
        print(f"1 corpus metric of {k:3} statistics, ours{'':4}{seconds:8.3f}")
    ten = [_ratio(rng, args.rows, 4, f"c{i}") for i in range(args.metrics)]
    seconds = _seconds(partial(compare, ten, "base", "tuned"), args.runs)
    print(f"{args.metrics} corpus metrics of 4 statistics, ours{'':3}{seconds:8.3f}")


def _mean(rng: np.random.Generator, rows: int, name: str) -> Paired:
    before = rng.random(rows)
    after = before + rng.normal(0.02, 0.2, rows)
    return pair(Metric(name, "higher"), _by_row(before), _by_row(after))


def _ratio(rng: np.random.Generator, rows: int, k: int, name: str = "corpus") -> Paired:
    before, after = (rng.integers(0, 9, (rows, k)).astype(float) for _ in range(2))
    metric = Metric(name, "higher", low=0, high=1, kind="corpus")
    return pair_corpus(metric, _by_row(before), _by_row(after), lambda sums: sums[..., 0] / sums.sum(axis=-1))


def _by_row(values: Any) -> dict[str, Any]:
    return {f"r{i}": tuple(value) if isinstance(value, list) else value for i, value in enumerate(values.tolist())}


def _scipy(differences: Any) -> None:
    scipy.stats.bootstrap((differences,), np.mean, method="percentile", n_resamples=RESAMPLES, rng=0)
    scipy.stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", vectorized=True, n_resamples=RESAMPLES, rng=0
    )


def _seconds(work: Callable[[], object], runs: int) -> float:
    taken = []
    for _ in range(runs):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return median(taken)


if __name__ == "__main__":
    main()
