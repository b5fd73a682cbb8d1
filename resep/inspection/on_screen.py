"""Sections and rows as text for a terminal: in colours, or marked in plain characters where there are none."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text

from resep.inspection.account import Section
from resep.inspection.changes import Kind, Part
from resep.inspection.masking import Mask
from resep.inspection.shown_rows import Line, heading, shown
from resep.inspection.trace import Traced
from resep.printable import printable

_STYLES: Mapping[Kind, str] = {"same": "", "gone": "red strike", "new": "green"}
_MARKS: Mapping[Kind, str] = {"same": "{}", "gone": "[-{}-]", "new": "{{+{}+}}"}  # as `git diff --word-diff` has them
_INDENT = 4


def section_text(section: Section) -> Text:
    """A title, and under it the lines."""
    lines = "".join(f"\n  {printable(line)}" for line in section.lines)
    return Text.assemble((section.title, "bold"), lines, "\n")


def row_text(row: Traced, mask: Mask, step: str | None, *, coloured: bool) -> Text:
    """A row, what it said when it was read, and what each step changed: in colours, or between [-gone-] and {+new+}."""
    text = Text.assemble((heading(row), "bold"), "\n")
    for part in shown(row, mask, step):
        width = max((len(line.label) for line in part.lines), default=0)
        text.append(f"  {printable(part.title)}", "cyan").append(f"  {part.remark}\n" if part.remark else "\n")
        for line in part.lines:
            text.append_text(_line(line, width, coloured=coloured))
    return text


def _line(line: Line, width: int, *, coloured: bool) -> Text:
    """The label and the text; further lines of the text stand under its first."""
    begins = f"{'':{_INDENT}}{line.label:<{width}}  "
    text = Text().append(begins, "dim")
    for part in line.parts:
        text.append_text(_part(part, len(begins), coloured=coloured))
    return text.append("\n")


def _part(part: Part, indent: int, *, coloured: bool) -> Text:
    words = part.text.replace("\n", "\n" + " " * indent)
    return Text(words, _STYLES[part.kind]) if coloured else Text(_MARKS[part.kind].format(words))
