"""ROUGE: how many of the reference's words, pairs of words and sequences of words the output shares (F1, 0 to 1).

The numbers of the rouge-score library (Lin 2004), whose table for longest common subsequences is replaced by one that
also long texts can bear. Each line is a sentence of rougeLsum. An output or a reference without a word scores 0.
tokenizer: unicode keeps the letters of every language, and is rouge-score's on plain ASCII; ascii is rouge-score's
  own, which drops all others
stemmer: english cuts English endings (Porter), as many English papers do; none for every other language
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any, Literal

from resep import Context, Metric, Sample, Score, target_text
from resep.common_subsequence import longest_common, union_hits
from resep.words import words

METRICS = (
    Metric("rouge1", direction="higher", low=0, high=1, help="words that are shared"),
    Metric("rouge2", direction="higher", low=0, high=1, help="pairs of neighbouring words that are shared"),
    Metric("rougeL", direction="higher", low=0, high=1, help="longest common sequence of words"),
    Metric("rougeLsum", direction="higher", low=0, high=1, help="the same line by line"),
)
PACKAGES = {"rouge_score": "rouge-score"}

Lines = list[list[str]]


def evaluate(
    samples: Iterable[Sample],
    context: Context,
    *,
    tokenizer: Literal["unicode", "ascii"] = "unicode",
    stemmer: Literal["none", "english"] = "none",
) -> Iterator[Score]:
    for sample in samples:
        target = target_text(sample.target, context.response_format)
        yield Score(sample.id, sample.arm, rouge(target, sample.output, tokenizer, stemmer))


def signature(
    context: Context,  # noqa: ARG001
    *,
    tokenizer: Literal["unicode", "ascii"] = "unicode",
    stemmer: Literal["none", "english"] = "none",
) -> str:
    return f"rouge|f1|rouge-score:{version('rouge-score')}|tokenizer:{tokenizer}|stemmer:{stemmer}|lsum:lines|version:1"


def summarise(samples: Sequence[Sample], scores: Sequence[Score], context: Context, **options: Any) -> dict[str, Any]:  # noqa: ARG001
    empty = {row.id for row in samples if not words(target_text(row.target, context.response_format))}
    message = f"rouge: references without a word: {len(empty)}; their rows score 0, whatever the output"
    return {"warnings": [message] if empty else []}


def rouge(target: str, output: str, tokenizer: str, stemmer: str) -> dict[str, float]:
    scorer = _scorer(tokenizer, stemmer)
    wanted, said = _lines(target, scorer), _lines(output, scorer)
    whole_wanted, whole_said = [list(_joined(lines)) for lines in (wanted, said)]
    found = scorer.score(target, output)
    return {
        "rouge1": float(found["rouge1"].fmeasure),
        "rouge2": float(found["rouge2"].fmeasure),
        "rougeL": f1(longest_common(whole_wanted, whole_said), len(whole_wanted), len(whole_said)),
        "rougeLsum": f1(union_hits(wanted, said), len(whole_wanted), len(whole_said)),
    }


def f1(shared: int, wanted: int, said: int) -> float:
    """From counts, in rouge-score's own order of operations: the last bit of a float hangs on it."""
    if not shared:
        return 0.0
    precision, recall = shared / said, shared / wanted
    return 2 * precision * recall / (precision + recall)


def _lines(text: str, scorer: Any) -> Lines:
    return [scorer._tokenizer.tokenize(line) for line in text.split("\n") if line]


def _joined(lines: Lines) -> Iterator[str]:
    return (word for line in lines for word in line)


@cache
def _scorer(tokenizer: str, stemmer: str) -> Any:
    from rouge_score import rouge_scorer, tokenizers

    own = Words(stemmer) if tokenizer == "unicode" else tokenizers.DefaultTokenizer(use_stemmer=stemmer == "english")
    return rouge_scorer.RougeScorer(["rouge1", "rouge2"], tokenizer=own)


@dataclass(frozen=True)
class Words:
    """A tokenizer for rouge-score. English endings are cut where its own does: of words of more than three letters."""

    stemmer: str

    def tokenize(self, text: str) -> list[str]:
        if self.stemmer == "none":
            return words(text)
        return [_stem(word) if len(word) > 3 and word.isascii() else word for word in words(text)]


def _stem(word: str) -> str:
    return str(_porter().stem(word))


@cache
def _porter() -> Any:
    from nltk.stem.porter import PorterStemmer  # rules only: no download

    return PorterStemmer()
