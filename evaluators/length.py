"""How long the outputs are, and how many are empty or cut at the limit.

Length is a confounder of every other metric: a gain that comes with twice the words is another gain. What the outputs
say twice is the business of the evaluator repetition.
"""

from collections.abc import Iterable, Iterator

from resep import Context, Metric, Sample, Score

METRICS = (
    Metric("output_words", direction="none", low=0, unit="words", help="words between white space"),
    Metric("output_tokens", direction="none", low=0, unit="tokens", help="as the arm's own tokenizer counts"),
    Metric("truncated", direction="lower", low=0, high=1, kind="binary", help="cut at generation.max_new_tokens"),
    Metric("empty", direction="lower", low=0, high=1, kind="binary", help="nothing but white space"),
)


def evaluate(samples: Iterable[Sample], context: Context) -> Iterator[Score]:  # noqa: ARG001
    for sample in samples:
        words = sample.output.split()
        values = {
            "output_words": float(len(words)),
            "output_tokens": None if sample.output_tokens is None else float(sample.output_tokens),
            "truncated": None if sample.finish_reason == "given" else float(sample.finish_reason == "length"),
            "empty": float(not words),
        }
        yield Score(sample.id, sample.arm, values)


def signature(context: Context) -> str:  # noqa: ARG001
    return "length|words:between white space|version:2"
