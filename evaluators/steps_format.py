"""Whether the output is a list of steps, written as the recipe writes them, and nothing else.

The recipe's `prompt.response_format` is the measure, in what the arm really wrote: numbered_steps wants a line `1. ...`
for each step, counted from 1 without a gap; bulleted_steps a line `- ...`; json one list of texts; text a line per
step without number or bullet. Blank lines stand aside. Words before or after the list, another way of numbering, and
no step at all are faults; one step is a list. Why outputs fail is counted beside it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from resep import Context, Metric, Sample, Score, parse_steps, target_steps
from resep.json_answers import read_strict
from resep.steps import split_marker

METRICS = (
    Metric("steps_format", direction="higher", low=0, high=1, kind="binary", help="steps as asked, and nothing else"),
    Metric("steps_form", direction="higher", low=0, high=1, kind="binary", help="the right kind of list, found in it"),
    Metric("step_count_right", direction="higher", low=0, high=1, kind="binary", help="as many as in the reference"),
    Metric("output_steps", direction="none", low=0, unit="steps", help="steps in the output"),
)
TEXTS = "raw"

_FORMS = {"numbered_steps": "numbered", "bulleted_steps": "bulleted", "json": "json", "text": "lines"}
_READ_AS = {
    "numbered": "numbered lines",
    "inline": "steps within a line",
    "bulleted": "bullets",
    "json": "JSON",
    "lines": "plain lines",
    "empty": "nothing",
}
_NUMBERED = re.compile(r"([0-9]{1,4})\. \S")
_BULLETED = re.compile(r"- \S")


def evaluate(samples: Iterable[Sample], context: Context) -> Iterator[Score]:
    for sample in samples:
        parsed, wanted = parse_steps(sample.output), len(target_steps(sample.target))
        why = fault(sample.output, parsed.form, context.response_format)
        values = {
            "steps_format": float(why is None),
            "steps_form": float(parsed.form == _FORMS[context.response_format]),
            "step_count_right": float(len(parsed.steps) == wanted) if wanted else None,
            "output_steps": float(len(parsed.steps)),
        }
        yield Score(sample.id, sample.arm, values, detail={"fault": why} if why else {})


def signature(context: Context) -> str:
    return f"steps_format|response_format:{context.response_format}|version:1"


def summarise(samples: Sequence[Sample], scores: Sequence[Score], context: Context) -> dict[str, Any]:  # noqa: ARG001
    """A table of the faults: rows per arm."""
    arms = list(dict.fromkeys(score.arm for score in scores))
    counted = Counter((score.arm, score.detail["fault"]) for score in scores if "fault" in score.detail)
    faults = Counter(score.detail["fault"] for score in scores if "fault" in score.detail)
    rows = [[why, *(counted[arm, why] for arm in arms)] for why, _ in faults.most_common()]
    title = f"Why outputs are not {context.response_format}"
    return {"tables": [{"title": title, "columns": ["fault", *arms], "rows": rows}] if rows else []}


def fault(output: str, form: str, response_format: str) -> str | None:
    """The first thing that keeps the output from being a list of steps in this format, or None.

    form: what `parse_steps` takes the output for
    """
    if why := _fault_of_text(output, response_format):
        return why
    return None if form == _FORMS[response_format] else f"read as {_READ_AS[form]}"


def _fault_of_text(output: str, response_format: str) -> str | None:
    lines = [line.rstrip() for line in output.splitlines() if line.strip()]
    if not lines:
        return "empty"
    match response_format:
        case "json":
            return _fault_of_json(output)
        case "numbered_steps":
            return _fault_of_numbers(lines)
        case "bulleted_steps":
            return _fault_of_lines([_BULLETED.match(line) is not None for line in lines], "bullets")
    return "numbers or bullets" if any(split_marker(line)[0] for line in lines) else None


def _fault_of_numbers(lines: Sequence[str]) -> str | None:
    found = [_NUMBERED.match(line) for line in lines]
    if why := _fault_of_lines([match is not None for match in found], "numbers"):
        return why
    numbers = [int(match[1]) for match in found if match]
    if numbers[0] != 1:
        return "does not begin at 1"
    return None if numbers == list(range(1, len(lines) + 1)) else "numbers out of sequence"


def _fault_of_lines(are_steps: Sequence[bool], markers: str) -> str | None:
    if not any(are_steps):
        return f"no {markers} as asked"
    if not are_steps[0]:
        return "text before the list"
    return None if all(are_steps) else "text after or between steps"


def _fault_of_json(output: str) -> str | None:
    found = read_strict(output)
    if found is None:
        return "not JSON"
    if not isinstance(found.value, list):
        return "JSON, but no list"
    are_texts = all(isinstance(item, str) and item.strip() for item in found.value)
    return None if found.value and are_texts else "a list of something else than texts"
