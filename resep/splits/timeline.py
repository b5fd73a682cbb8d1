"""The newest rows are the test rows, those before them the validation rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from resep.errors import ResepError
from resep.splits import SPLITS
from resep.splits.columns import Codes, Columns, Positions, Prompts
from resep.splits.moments import FIELD, shown

FAR_OFF = 0.02  # of all rows: how far a share may be from the one that was asked for before it is told


def timeline(prompts: Prompts) -> Positions:
    """Positions in [0, 1) by age, each prompt by its newest row; prompts of one time have one position.

    It is the middle of the rows of that time, so that they go where most of them belong.
    """
    assert prompts.time is not None
    _, of_prompt = np.unique(prompts.time, return_inverse=True)
    rows = np.bincount(of_prompt, weights=prompts.rows)
    middle: Positions = (np.cumsum(rows) - rows / 2) / max(1.0, rows.sum())
    return middle[of_prompt]


def check_times(columns: Columns) -> None:
    """Raises ResepError where dates and numbers are mixed: they have no common order."""
    assert columns.time is not None
    dates = np.flatnonzero(columns.time & 1)
    if 0 < len(dates) < len(columns):
        first = columns.place(int(dates[0])), columns.place(int(np.argmin(columns.time & 1)))
        raise ResepError(
            f"split.by: time: the field '{FIELD}' holds dates in some rows ({first[0]}) and numbers in others "
            f"({first[1]}), which have no common order; write all of them as dates"
        )


def spans(time: NDArray[np.int64], codes: Codes) -> dict[str, tuple[str, str]]:
    """Of each split that has rows, its oldest and its newest time, for a reader."""
    found = {}
    for code, split in enumerate(SPLITS):
        own = time[codes == code]
        if len(own):
            found[split] = (shown(int(own.min())), shown(int(own.max())))
    return found


def why_far_off(codes: Codes, fractions: Mapping[str, float]) -> str:
    """Where many rows of one time have made shares other than those asked for; else an empty text."""
    shares = np.bincount(codes[codes >= 0], minlength=len(SPLITS)) / max(1, len(codes))
    far = [
        f"{split} has {share:.0%} of the rows instead of {fractions[split]:.0%}"
        for split, share in zip(SPLITS, shares, strict=True)
        if fractions.get(split) and abs(share - fractions[split]) > FAR_OFF
    ]
    return f"{' and '.join(far)}: rows of one time, and answers to one prompt, stay together" if far else ""
