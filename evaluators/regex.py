"""Whether a regular expression matches what the arm really wrote, and whether what it captures is the reference.

White space around the output stands aside. `$` is the very end, `(?m)$` the end of a line. An output without a match
has captured nothing, which is wrong; a row whose reference is empty has no score for what was captured.
pattern: the regular expression, of a kind whose time grows with the length of the text and no faster; what its first
  group holds is compared with the reference: 'answer: ([0-9]+)'
field: a field of the row's metadata to compare with, instead of the reference
take: the match whose group is compared, where there are several: the first, or the last
ignore_case: upper and lower case are the same in that comparison; (?i) makes them so in the pattern
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from resep import Context, Metric, Sample, Score, target_text
from resep.errors import ResepError
from resep.patterns import SafePattern, compile_search, count_groups

METRICS = (
    Metric("regex_match", direction="higher", low=0, high=1, kind="binary", help="the pattern matches"),
    Metric("regex_captured", direction="higher", low=0, high=1, kind="binary", help="its group holds the reference"),
)
TEXTS = "raw"


def metrics(options: Mapping[str, Any]) -> tuple[Metric, ...]:
    """The second only where the pattern captures something."""
    try:
        return METRICS if count_groups(options["pattern"]) else METRICS[:1]
    except (ValueError, TypeError):  # whoever checks the pattern says what is wrong with it
        return METRICS


def evaluate(
    samples: Iterable[Sample],
    context: Context,
    *,
    pattern: str = "",
    field: str | None = None,
    take: Literal["first", "last"] = "first",
    ignore_case: bool = True,
) -> Iterator[Score]:
    compiled = read_pattern(pattern)
    captures = count_groups(pattern) > 0
    for sample in samples:
        found = compiled.found(sample.output.strip())
        values: dict[str, float | None] = {"regex_match": float(bool(found))}
        detail = {}
        if captures:
            captured = (found[0 if take == "first" else -1][1] or "") if found else None
            values["regex_captured"] = is_wanted(captured, wanted_text(sample, field, context), ignore_case)
            detail = {} if captured is None else {"captured": captured.encode("utf-8", "replace").decode()}
        yield Score(sample.id, sample.arm, values, detail=detail)


def signature(context: Context, **options: Any) -> str:  # noqa: ARG001
    return "|".join(["regex", *(f"{option}:{value}" for option, value in options.items()), "version:1"])


def read_pattern(pattern: str) -> SafePattern:
    if not pattern:
        raise ResepError("evaluator regex: 'pattern' is missing: say what to look for, for example '^[0-9]+$'")
    try:
        return compile_search(pattern)
    except ValueError as error:
        raise ResepError(f"evaluator regex: {error}") from error


def wanted_text(sample: Sample, field: str | None, context: Context) -> str:
    """What the group has to hold; empty where the row does not say."""
    if field is None:
        return target_text(sample.target, context.response_format)
    value = sample.metadata.get(field)
    return str(value) if isinstance(value, str | int | float) else ""


def is_wanted(captured: str | None, wanted: str, ignore_case: bool) -> float | None:
    if not wanted.strip():
        return None
    return float(captured is not None and plain(captured, ignore_case) == plain(wanted, ignore_case))


def plain(text: str, ignore_case: bool) -> str:
    one_space = " ".join(text.split())
    return one_space.casefold() if ignore_case else one_space
