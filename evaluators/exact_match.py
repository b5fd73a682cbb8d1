"""Whether the output is the reference, to the letter.

A reference that is a list is compared step by step, so that the way of numbering does not count.
ignore_case: upper and lower case are the same
"""

from collections.abc import Iterable, Iterator

from resep import Context, Metric, Sample, Score, parse_steps, target_steps

METRICS = (Metric("exact_match", direction="higher", low=0, high=1, kind="binary"),)


def evaluate(samples: Iterable[Sample], context: Context, *, ignore_case: bool = False) -> Iterator[Score]:  # noqa: ARG001
    for sample in samples:
        yield Score(sample.id, sample.arm, {"exact_match": float(is_match(sample, ignore_case))})


def signature(context: Context, *, ignore_case: bool = False) -> str:  # noqa: ARG001
    return f"exact_match|ignore_case:{ignore_case}|version:1"


def is_match(sample: Sample, ignore_case: bool) -> bool:
    """Texts are compared without the white space around them."""
    fold = str.casefold if ignore_case else str
    if isinstance(sample.target, str):
        return fold(sample.output.strip()) == fold(sample.target.strip())
    output = parse_steps(sample.output).steps
    return tuple(map(fold, output)) == tuple(map(fold, target_steps(sample.target)))
