"""Outputs and references as the recipe's own text steps leave them, so that nobody wins by capitals alone.

Where the reference is a list of steps, the numbers and bullets of the output stand aside while its words are cleaned:
stripping punctuation must not turn `1. Open it.` into the words `1 open it`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from resep.records import Sample
from resep.steps import parse_steps, render_steps, split_marker

Clean = Callable[[str], str]


def normalise(sample: Sample, clean: Clean) -> Sample:
    """The sample with output and target cleaned: as whole texts, or step by step where the target is a list."""
    if isinstance(sample.target, str):
        return replace(sample, output=clean(sample.output), target=clean(sample.target))
    target = tuple(cleaned for step in sample.target if (cleaned := clean(step)))
    return replace(sample, output=clean_steps(sample.output, clean), target=target)


def clean_steps(text: str, clean: Clean) -> str:
    """A text of steps with each line's words cleaned and its number or bullet kept.

    What is not a line per step would not survive cleaning: JSON is written anew, steps within one line become lines.
    """
    parsed = parse_steps(text)
    if parsed.form in {"json", "inline"}:
        steps = [cleaned for step in parsed.steps if (cleaned := clean(step))]
        return render_steps(steps, "json" if parsed.form == "json" else "numbered_steps")
    lines = (_clean_line(line, clean) for line in text.splitlines())
    return "\n".join(line for line in lines if line is not None)


def _clean_line(line: str, clean: Clean) -> str | None:
    """None for a line of which nothing is left; a blank line, or a bare `Step 1`, stays what it was."""
    marker, words = split_marker(line)
    marker = marker or line[: len(line) - len(line.lstrip())]
    cleaned = clean(words.strip())
    if words.strip() and not cleaned:
        return None
    return (marker + cleaned).rstrip()
