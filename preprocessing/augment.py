"""Let another model write new training rows from those there are: for all rows, or for the rare classes.

model: the model that writes, as the endpoint calls it; without one an embedded name, owner/name@revision or a folder
endpoint: a server with the API of OpenAI, https://host/v1; texts of rows go to it, so it wants your word (--send-to)
api_key_env: the name of the environment variable that holds the key, never the key itself
what: paraphrase_prompt writes the prompt in other words and keeps the response; new_example writes both anew
instruction: your own words for the task; the form of the answer is added to them
target: all, or rare: only classes of `by` with fewer rows than up_to
by: the field that holds the classes
rows: how many new rows at most, over all
per_row: how many of one row at most; null: 1, with target rare 5
up_to: rows that a rare class is filled up to; null: the median of the classes
near: a new row this near to a row or to another new one is refused: Jaccard likeness of character 5-grams, 0.1 to 1
temperature: higher: more varied, less faithful; null: what the server does by itself
max_new_tokens: the longest answer
concurrency: how many requests are on their way at once
price: what a million tokens cost, {input_per_million: 0.15, output_per_million: 0.60}, to count the cost
seed: another number chooses other rows and draws other answers

Runs on training rows after the split, so that a child is where its parent is. Answers are kept in your cache: nothing
is asked, or paid for, twice.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Literal

from resep import Row
from resep.augmentation.making import TrainingRows, make_children
from resep.augmentation.settings import Settings, augmenting_faults
from resep.errors import ResepError

SPLIT = "train"
_CHILDREN_OF_A_ROW = {"all": 1, "rare": 5}


def process_rows(
    given: TrainingRows,
    /,
    *,
    model: str | None = None,
    endpoint: str | None = None,
    api_key_env: str | None = None,
    what: Literal["paraphrase_prompt", "new_example"] = "paraphrase_prompt",
    instruction: str | None = None,
    target: Literal["all", "rare"] = "all",
    by: str | None = None,
    rows: int = 1000,
    per_row: int | None = None,
    up_to: int | None = None,
    near: float = 0.8,
    temperature: float | None = 0.8,
    max_new_tokens: int = 512,
    concurrency: int = 8,
    price: dict[str, float] = {},  # noqa: B006 - options are read from literals
    seed: int = 42,
) -> Generator[Row, None, dict[str, Any]]:
    settings = Settings(
        model=model or "",
        endpoint=endpoint,
        api_key_env=api_key_env,
        what=what,
        instruction=instruction,
        target=target,
        by=by,
        rows=rows,
        per_row=per_row or _CHILDREN_OF_A_ROW[target],
        up_to=up_to,
        near=near,
        temperature=temperature,
        max_new_tokens=max_new_tokens,
        concurrency=concurrency,
        price=price,
        seed=seed,
    )
    for option, message in augmenting_faults(vars(settings)):
        raise ResepError(f"preprocessing.augment.{option}: {message}")
    yield from given
    return (yield from make_children(given, settings))
