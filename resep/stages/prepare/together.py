"""Rows that have to stay on one side of the split: for one reason, or through others for another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from resep.similarity.components import alone, join
from resep.similarity.neighbours import near_pairs
from resep.similarity.normal import DIGEST_BYTES, first_of_each, numbers


def groups_of(
    table: NDArray[np.uint8], keys: NDArray[Any], groups: Mapping[int, str], near: float | None = None
) -> dict[int, str]:
    """The group of every row that has to stay with a row of another key; the others are not in it.

    Rows stay together that have the same prompt, the same of `keys` (one per row, such as its position), the same of
    `groups` (as steps judged), or prompts alike to the degree `near`. `table` holds the `prompt_signatures` of the
    rows. A group is called by the smallest digest of its prompts: further rows rename only the groups that they join.
    """
    prompts = numbers(table)
    first = first_of_each(prompts)
    together = alone(len(prompts))
    join(together, first, alone(len(prompts)))
    join(together, first_of_each(keys), alone(len(prompts)))
    if groups:
        rows = np.fromiter(groups, np.intp, len(groups))
        _, named = np.unique(np.array(list(groups.values())), return_inverse=True)
        join(together, rows[first_of_each(named)], rows)
    if near is not None:
        join(together, *near_pairs(table[:, DIGEST_BYTES:], np.flatnonzero(first == alone(len(first))), near))
    return _named(together, keys, prompts)


def _named(together: NDArray[np.intp], keys: NDArray[Any], prompts: NDArray[Any]) -> dict[int, str]:
    smallest = prompts.copy()
    np.minimum.at(smallest, together, prompts)
    has_other = np.zeros(len(keys), np.bool_)
    np.logical_or.at(has_other, together, keys != keys[together])
    return {row: f"near:{int(smallest[together[row]]):016x}" for row in np.flatnonzero(has_other[together]).tolist()}
