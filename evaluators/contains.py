"""Whether the output contains given texts: facts that it has to name, words that it has to use.

Without `texts` and `field`, the reference itself, or each of its steps. Texts are looked for after the recipe's own
text steps, so they are written as those leave them. White space counts as one space. A row that has no text to look
for has no score.
texts: texts to look for in every output
field: a field of the row's metadata that holds a text, or a list of texts, to look for in its output
need: all of the texts, or any one of them
ignore_case: upper and lower case are the same
whole_words: a text does not count inside a longer word: pin is not in opinion
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from resep import Context, Metric, Sample, Score
from resep.suggest import did_you_mean, listed

METRICS = (
    Metric("contains", direction="higher", low=0, high=1, kind="binary", help="the texts looked for are in the output"),
    Metric("contains_share", direction="higher", low=0, high=1, help="of the texts looked for, how many are"),
)


def evaluate(
    samples: Iterable[Sample],
    context: Context,  # noqa: ARG001
    *,
    texts: Sequence[str] = (),
    field: str | None = None,
    need: Literal["all", "any"] = "all",
    ignore_case: bool = True,
    whole_words: bool = False,
) -> Iterator[Score]:
    for sample in samples:
        wanted = wanted_texts(sample, texts, field)
        output = flat(sample.output, ignore_case)
        missing = [text for text in wanted if not is_in(flat(text, ignore_case), output, whole_words)]
        found = len(wanted) - len(missing)
        holds = None if not wanted else float(found > 0 if need == "any" else not missing)
        values = {"contains": holds, "contains_share": found / len(wanted) if wanted else None}
        yield Score(sample.id, sample.arm, values, detail={"missing": missing} if missing else {})


def signature(context: Context, **options: Any) -> str:  # noqa: ARG001
    return "|".join(["contains", *(f"{option}:{value}" for option, value in options.items()), "version:1"])


def summarise(
    samples: Sequence[Sample],
    scores: Sequence[Score],  # noqa: ARG001
    context: Context,  # noqa: ARG001
    *,
    texts: Sequence[str],
    field: str | None,
    ignore_case: bool,
    **options: Any,  # noqa: ARG001
) -> dict[str, Any]:
    warnings = []
    without = [row for row in samples if field is not None and not wanted_texts(row, (), field)]
    if without:
        known = sorted({name for row in without for name in row.metadata})
        hint = did_you_mean(field or "", known) or (f"; they have {listed(known)}" if known else "")
        warnings.append(
            f"contains: answers of rows with nothing in the field '{field}': {len(without)} of {len(samples)}{hint}"
        )
    spoken = "\n".join(flat(part, ignore_case) for row in samples for part in (row.output, *targets(row)))
    for text in texts:
        if flat(text, ignore_case) not in spoken:
            warnings.append(
                f"contains: {text!r} is in no output and in no reference; write it as the recipe's own text steps "
                "leave it, or set evaluation.normalise: none"
            )
    return {"warnings": warnings}


def wanted_texts(sample: Sample, texts: Sequence[str], field: str | None) -> list[str]:
    """The distinct texts to look for in this row's output; blank ones are none."""
    own = [] if field is None else strings(sample.metadata.get(field))
    chosen = [*texts, *own] if texts or field is not None else targets(sample)
    return list(dict.fromkeys(text for text in chosen if text.strip()))


def targets(sample: Sample) -> list[str]:
    return [sample.target] if isinstance(sample.target, str) else list(sample.target)


def strings(value: Any) -> list[str]:
    """A text, a number, or a list of those, as texts; nothing else is a text to look for."""
    items = value if isinstance(value, list | tuple) else [value]
    return [str(item) for item in items if isinstance(item, str | int | float) and not isinstance(item, bool)]


def flat(text: str, ignore_case: bool) -> str:
    plain = " ".join(unicodedata.normalize("NFC", text).split())
    return plain.casefold() if ignore_case else plain


def is_in(text: str, output: str, whole_words: bool) -> bool:
    if not whole_words:
        return text in output
    before, after = (r"(?<!\w)" if text[0].isalnum() else "", r"(?!\w)" if text[-1].isalnum() else "")
    return re.search(before + re.escape(text) + after, output) is not None
