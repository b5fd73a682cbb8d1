"""So many rows of each label, by a strategy within it. Runs in the child."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from resep.diversity.choosing import facility_location, farthest_first, isolated, lowest_ranks
from resep.diversity.records import APART, Clusters, Positions, Ranks, Vectors
from resep.drawing import Rule, apportion, weights

_WITHIN = {"kcentre": farthest_first, "facility": facility_location}


def select(
    strategy: str,
    vectors: Vectors,
    clusters: Clusters,
    labels: NDArray[np.int32],
    ranks: Ranks,
    quotas: Sequence[int],
    rule: Rule,
) -> NDArray[np.bool_]:
    """Whether each row is chosen: of label i as many as `quotas[i]`, which are never more than there are.

    Rows that say nothing are chosen last, and before them, by k-centre, rows that are isolated: both lie far from
    everything and would be chosen first.
    """
    last = np.where(clusters == APART, 2, 0)
    if strategy == "kcentre":
        last[isolated(vectors, clusters) & (last == 0)] = 1
    chosen = np.zeros(len(vectors), dtype=bool)
    for label, members in _groups(labels):
        for preference in (0, 1, 2):
            pool = members[last[members] == preference]
            wanted = min(quotas[label] - int(chosen[members].sum()), len(pool))
            if wanted > 0 and preference:
                chosen[pool[lowest_ranks(vectors[:0], ranks[pool], wanted)]] = True
            elif wanted > 0 and strategy == "cluster":
                chosen[_of_each_cluster(pool, clusters, ranks, wanted, rule)] = True
            elif wanted > 0:
                chosen[pool[_WITHIN[strategy](np.asarray(vectors[pool]), ranks[pool], wanted)]] = True
    return chosen


def _of_each_cluster(pool: Positions, clusters: Clusters, ranks: Ranks, wanted: int, rule: Rule) -> Positions:
    """So many rows of each cluster, by lot."""
    groups = [pool[members] for _, members in _groups(clusters[pool])]
    sizes = [len(group) for group in groups]
    quotas = apportion(weights(sizes, rule), wanted, sizes)
    drawn = [
        group[np.argsort(ranks[group], kind="stable")[:quota]] for group, quota in zip(groups, quotas, strict=True)
    ]
    return np.concatenate(drawn)


def _groups(numbers: NDArray[np.int32]) -> Iterator[tuple[int, Positions]]:
    """Each number with the positions at which it stands."""
    order = np.argsort(numbers, kind="stable")
    found, starts = np.unique(numbers[order], return_index=True)
    for number, group in zip(found.tolist(), np.split(order, starts[1:]), strict=True):
        yield int(number), group
