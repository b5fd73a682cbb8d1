"""Keep the first of rows that say the same, whatever their capitals and spaces; on request of near duplicates, too.

by: pair drops a row whose prompt and response both repeat; prompt keeps one answer to each prompt
near: also look for rows that are at least this alike, from 0.5 to 1; 0.9 finds a changed word in a long sentence;
    null looks for equal rows only. With pair, prompt and response each have to be this alike
action: what becomes of near duplicates. drop keeps the first of rows that are near to it; group keeps all, on one side
    of the split; report keeps all and counts them in the report. Rows that are equal are always dropped
"""

from collections.abc import Generator, Mapping, Sequence
from typing import Any, Literal

from resep import Digests, Judgement, Row
from resep.formats import LazyRows, column
from resep.similarity.duplicates import judged, row_digests


def digest_rows(
    rows: Sequence[Row],
    *,
    by: Literal["prompt", "pair"] = "pair",
    near: float | None = None,
    action: Literal["drop", "group", "report"] = "drop",  # noqa: ARG001  what is compared does not depend on it
) -> list[bytes]:
    return row_digests(_all_compared(rows, by), near)


def judge_rows(
    digests: Digests,
    *,
    by: Literal["prompt", "pair"] = "pair",  # noqa: ARG001
    near: float | None = None,
    action: Literal["drop", "group", "report"] = "drop",
) -> Generator[Judgement, None, dict[str, Any]]:
    return judged(digests, near, action)


def _all_compared(rows: Sequence[Row], by: str) -> list[list[list[str]]]:
    if isinstance(rows, LazyRows):  # 1.5 us a row less where no row has to be made
        prompts, answers = column(rows.fields, "prompt", str), column(rows.fields, "response", list[str])
        if prompts is not None and answers is not None and all(prompts):
            asked = [[prompt] for prompt in prompts]
            return [[each] for each in asked] if by == "prompt" else list(map(list, zip(asked, answers, strict=True)))
    return [_compared(row.fields, by) for row in rows]


def _compared(fields: Mapping[str, Any], by: str) -> list[list[str]]:
    """The texts that are compared: of the prompt and of the response. A conversation's prompt is all before its last
    answer; of a row without a prompt, it is the response."""
    if "messages" in fields:
        *before, last = map(_said, fields["messages"])
        return [before] if by == "prompt" else [before, [last]]
    response = fields["response"]
    answer = [response] if isinstance(response, str) else response
    asked = [fields["prompt"]] if fields.get("prompt") else []
    if fields.get("system"):
        asked = [fields["system"], *asked]
    if by == "prompt":
        return [asked or answer]
    return [asked, answer]


def _said(message: Mapping[str, Any]) -> str:
    calls = message.get("tool_calls", ())
    return f"{message['role']}: {message['content']} {calls or ''}"
