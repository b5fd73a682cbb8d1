"""Ordered steps in a text, and back: `parse_steps` reads what a model wrote, `render_steps` writes what it learns from.

The law that holds them together: `parse_steps(render_steps(steps, form)).steps == steps` for every response format,
where the steps are single lines that do not themselves begin with a number or a bullet.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any, Literal

from resep.joined import spaced_all
from resep.records import Target

Form = Literal["json", "numbered", "inline", "bulleted", "lines", "empty"]
ResponseFormat = Literal["numbered_steps", "bulleted_steps", "json", "text"]

_BULLET = r"[-*+•‣◦▪\u2013]"
# 1. Open / 1) Open / **1. Open** / 1.Open, but neither "1.5 litres" nor "12:30".
_NUMBER = r"\d{1,3}(?:[.)](?:\*\*|__)?(?=\s|$|[^\W\d_])|[.)]\*\*)"
# Step 1: Open / ### Step 1 / Langkah 1 - Buka (Indonesian).
_WORDED = r"(?:step|langkah)\s+\d{1,3}(?:\s*[.):\-\u2013\u2014]|(?=\s*(?:\*\*|__)?\s*$))(?:\*\*|__)?"
_NUMBERED = re.compile(rf"(\s*)(?:{_BULLET}\s+)?(?:#{{1,6}}\s+)?(?:\*\*|__)?(?:{_WORDED}|{_NUMBER})\s*", re.IGNORECASE)
_BULLETED = re.compile(rf"(\s*){_BULLET}(?:\s+|$)")
_INLINE = re.compile(r"(?:^|(?<=\s))(?:(?:step|langkah)\s+)?(\d{1,3})[.):]\s+", re.IGNORECASE)
_FENCE = re.compile(r"```[\w-]*[ \t]*\n(.*?)(?:\n\s*```|$)", re.DOTALL)
_EMPHASIS = re.compile(r"\*\*(.+?)\*\*|(?<!\w)__(.+?)__(?!\w)|`([^`]+)`")
_TEXT_KEYS = ("step", "text", "instruction", "action", "description", "content", "title", "name")
_SUB_INDENT = 2  # spaces further in than the list's first item: part of the item above


@dataclass(frozen=True)
class Steps:
    """The steps of a text in their order, without numbers, bullets and markdown, and the form they were written in."""

    form: Form
    steps: tuple[str, ...]


def parse_steps(text: str) -> Steps:
    """Read the steps of any text, by the first form that fits.

    A JSON list (bare, fenced, or under a key), numbered lines, numbers within a line, bullets, else non-empty lines.
    Sub-items and wrapped lines join their step; text before and after a numbered or bulleted list is dropped.
    """
    if not text.strip():
        return Steps("empty", ())
    if (items := _json_items(text)) is not None:
        return Steps("json", _cleaned(_without_numbers(items)))
    lines = text.splitlines()
    numbered, inline = _list_items(lines, _NUMBERED), _inline_items(text)
    if len(numbered) < 2 and len(inline) >= 2:
        return Steps("inline", _cleaned(inline))
    if len(numbered) >= 2 or (numbered and _starts_at_one(lines)):
        return Steps("numbered", _cleaned(numbered))
    if bulleted := _list_items(lines, _BULLETED):
        return Steps("bulleted", _cleaned(bulleted))
    return Steps("lines", _cleaned(lines))


def render_steps(steps: Sequence[str], response_format: ResponseFormat | str) -> str:
    """The steps as one text: numbered_steps `1. a`, bulleted_steps `- a`, json `["a"]`, text one step per line."""
    return _rendered([" ".join(step.split()) for step in steps], response_format)


def render_all_steps(rows: Sequence[Sequence[str]], response_format: ResponseFormat | str) -> list[str]:
    """`render_steps` for the steps of each row."""
    flat = spaced_all([step for steps in rows for step in steps])
    ends = pairwise(accumulate(map(len, rows), initial=0))
    return [_rendered(flat[start:end], response_format) for start, end in ends]


def _rendered(steps: Sequence[str], response_format: ResponseFormat | str) -> str:
    match response_format:
        case "numbered_steps":
            return "\n".join([f"{number}. {step}" for number, step in enumerate(steps, 1)])
        case "bulleted_steps":
            return "\n".join(f"- {step}" for step in steps)
        case "json":
            return json.dumps(steps, ensure_ascii=False)
        case "text":
            return "\n".join(steps)
    raise ValueError(f"no such response format: {response_format!r}")


def target_steps(target: Target) -> tuple[str, ...]:
    """The steps of a reference, cleaned as `parse_steps` cleans those of an output."""
    return parse_steps(target if isinstance(target, str) else render_steps(target, "json")).steps


def target_text(target: Target, response_format: ResponseFormat | str = "numbered_steps") -> str:
    """The reference as one text: a list of steps in the response format."""
    return target if isinstance(target, str) else render_steps(target, response_format)


def split_marker(line: str) -> tuple[str, str]:
    """A line's number or bullet with the white space around it, and the rest: `("1. ", "Open")`, or `("", line)`."""
    found = _NUMBERED.match(line) or _BULLETED.match(line)
    return (line[: found.end()], line[found.end() :]) if found else ("", line)


def _json_items(text: str) -> list[str] | None:
    for candidate in (text, *_FENCE.findall(text)):
        if candidate.lstrip()[:1] not in {"[", "{"}:
            continue
        try:
            items = _items_of(json.loads(candidate))
        except (ValueError, RecursionError):
            continue
        if items is not None:
            return items
    return None


def _items_of(data: Any) -> list[str] | None:
    if isinstance(data, Mapping):
        lists = [value for value in data.values() if isinstance(value, list)]
        data = data["steps"] if isinstance(data.get("steps"), list) else (lists[0] if len(lists) == 1 else None)
    return [_item_text(item) for item in data] if isinstance(data, list) else None


def _item_text(item: Any) -> str:
    if isinstance(item, Mapping):
        texts = [item[key] for key in _TEXT_KEYS if isinstance(item.get(key), str)]
        return texts[0] if texts else json.dumps(item, ensure_ascii=False)
    return item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)


def _without_numbers(items: Sequence[str]) -> Sequence[str]:
    if all(_NUMBERED.match(item) for item in items):
        return [split_marker(item)[1] for item in items]
    return items


def _list_items(lines: Sequence[str], marker: re.Pattern[str]) -> list[str]:
    """What stands between one top-level marker and the next, less paragraphs that are no part of the list."""
    items: list[list[str]] = []
    top, inside, after_blank = 0, False, False
    for line in lines:
        indent = _width(line)
        found = marker.match(line)
        if found and (not items or indent < top + _SUB_INDENT):
            top = top if items else indent
            items.append([line[found.end() :]])
            inside = True
        elif inside and line.strip():
            inside = not after_blank or indent > top or bool(split_marker(line)[0])
            if inside:
                items[-1].append(split_marker(line)[1])
        after_blank = not line.strip()
    return [" ".join(parts) for parts in items]


def _width(line: str) -> int:
    return len(line.expandtabs(4)) - len(line.expandtabs(4).lstrip())


def _starts_at_one(lines: Sequence[str]) -> bool:
    marker = next(found.group() for line in lines if (found := _NUMBERED.match(line)))
    return re.sub(r"\D", "", marker) == "1"


def _inline_items(text: str) -> list[str]:
    """`1. open it 2. close it`: the texts between the numbers 1, 2, 3 ... as they follow one another."""
    marks: list[re.Match[str]] = []
    for mark in _INLINE.finditer(text):
        if int(mark.group(1)) == len(marks) + 1:
            marks.append(mark)
    ends = [mark.start() for mark in marks[1:]] + [len(text)]
    return [text[mark.end() : end] for mark, end in zip(marks, ends, strict=True)] if marks else []


def _cleaned(items: Sequence[str]) -> tuple[str, ...]:
    return tuple(clean for item in items if (clean := _clean(item)))


def _clean(item: str) -> str:
    plain = _EMPHASIS.sub(lambda found: next(part for part in found.groups() if part is not None), item)
    return " ".join(plain.split()).removeprefix("**").removesuffix("**").strip()
