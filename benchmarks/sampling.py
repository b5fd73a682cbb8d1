"""What the step `sample` is worth on labelled texts: do its clusters follow the labels, and are rare labels found?

    python benchmarks/sampling.py FILE.csv|FILE.jsonl [--text text] [--label category] [--seeds 4]

The first table holds the normalised mutual information of k-means clusters (as many as labels) and the labels, and
the share of rows in the largest cluster, for the step's own features and for the usual ones (words without English stop
words, dense, every column scaled to unit variance). The second draws skewed pools (label number r has 150 / r**0.9
rows, 4 at least), samples as many rows as there are labels, and counts how many labels have a row, averaged over the
pools; beside it the mean distance of a row to the nearest sampled one. Needs scikit-learn.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import normalized_mutual_info_score
from sklearn.preprocessing import StandardScaler

from resep.diversity import clusters, features
from resep.diversity.findings import coverage
from resep.diversity.records import Choice, Clusters, Vectors
from resep.diversity.selection import select
from resep.drawing import apportion, weights

_USUAL_ROWS, _USUAL_WORDS = 10_000, 2_000  # dense: what fits into memory
STRATEGIES = ("random", "stratified", "cluster", "kcentre", "facility")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("file", type=Path)
    parser.add_argument("--text", default="text")
    parser.add_argument("--label", default="category")
    parser.add_argument("--seeds", type=int, default=4)
    args = parser.parse_args()
    with args.file.open(encoding="utf-8", newline="") as file:
        read = map(json.loads, file) if args.file.suffix == ".jsonl" else csv.DictReader(file)
        rows = [(str(row[args.text]), str(row[args.label])) for row in read]
    agreement(rows)
    rare_labels(rows, args.seeds)


def agreement(rows: Sequence[tuple[str, str]]) -> None:
    """Print how well clusters follow labels, for both kinds of features."""
    texts, labels = [text for text, _ in rows], [label for _, label in rows]
    count = len(set(labels))
    print(f"{len(rows)} rows, {count} labels\n")
    print(f"{'features':42} {'NMI':>6} {'largest':>8} {'CPU s':>6}")
    for name, made in (("character n-grams, 64 dimensions (ours)", _vectors), ("words, dense, scaled (usual)", _usual)):
        start = time.process_time()
        vectors = made(texts)
        found = KMeans(count, n_init=1, random_state=0).fit_predict(vectors)
        seconds = time.process_time() - start
        largest = np.bincount(found).max() / len(found)
        nmi = normalized_mutual_info_score(labels[: len(found)], found)
        print(f"{name:42} {nmi:6.3f} {largest:8.1%} {seconds:6.1f}")


def rare_labels(rows: Sequence[tuple[str, str]], seeds: int) -> None:
    """Print how many labels each strategy finds in pools where most labels are rare."""
    found: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for seed in range(seeds):
        pool = _skewed(rows, seed)
        for strategy in STRATEGIES:
            found[strategy].append(_tried(strategy, pool, seed))
    print(f"\n{'strategy':12} {'labels found':>12} {'mean distance':>14} {'p95':>7}")
    for strategy, measured in found.items():
        labels, mean, far = np.mean(measured, axis=0)
        print(f"{strategy:12} {labels:12.1f} {mean:14.3f} {far:7.3f}")


def _tried(strategy: str, pool: Sequence[tuple[str, str]], seed: int) -> tuple[float, float, float]:
    texts, names = [text for text, _ in pool], [label for _, label in pool]
    numbers: dict[str, int] = {}
    labels = np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int32)
    ranks = np.random.default_rng(seed).permutation(len(pool)).astype(np.uint64)
    vectors, wanted = _vectors(texts), len(numbers)
    found = clusters.assign(vectors, clusters.centres(vectors, clusters.elbow(vectors, seed).count, seed))
    chosen = _chosen(strategy, vectors, found, labels, ranks, wanted)
    covered = coverage(Choice(vectors, found, ranks, chosen, np.argsort(ranks)), seed)
    assert covered is not None
    return len(set(labels[chosen].tolist())), covered["chosen"]["mean"], covered["chosen"]["p95"]


def _chosen(strategy: str, vectors: Vectors, found: Clusters, labels: Clusters, ranks: Any, wanted: int) -> Any:
    if strategy in ("random", "stratified"):
        groups = labels if strategy == "stratified" else np.zeros_like(labels)
        sizes = np.bincount(groups).tolist()
        quotas = apportion(weights(sizes, "equal"), wanted, sizes)
        return select("cluster", vectors, np.zeros_like(found), groups, ranks, quotas, "equal")
    return select(strategy, vectors, found, np.zeros_like(labels), ranks, [wanted], "equal")


def _vectors(texts: Sequence[str]) -> Vectors:
    fitted = features.fit(texts, [[] for _ in texts], seed=0)
    assert fitted is not None
    return fitted.of(texts, [[] for _ in texts])


def _usual(texts: Sequence[str]) -> Any:
    words = TfidfVectorizer(stop_words="english", max_features=_USUAL_WORDS)
    return StandardScaler().fit_transform(words.fit_transform(texts[:_USUAL_ROWS]).toarray())


def _skewed(rows: Sequence[tuple[str, str]], seed: int) -> list[tuple[str, str]]:
    rng = random.Random(seed)
    of_label: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for row in rows:
        of_label[row[1]].append(row)
    names = sorted(of_label)
    rng.shuffle(names)
    sizes = [max(4, int(150 / (at + 1) ** 0.9)) for at in range(len(names))]
    drawn = ((of_label[name], size) for name, size in zip(names, sizes, strict=True))
    pool = [row for of_name, size in drawn for row in rng.sample(of_name, min(size, len(of_name)))]
    assert len(Counter(label for _, label in pool)) == len(names)
    return pool


if __name__ == "__main__":
    main()
