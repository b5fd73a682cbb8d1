"""`format: auto`: the format that the first rows have, told by the names and shapes of their fields.

Nothing is guessed: rows that fit two formats, or none, are said to do so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from resep.errors import ResepError
from resep.formats.mapping import FORMS
from resep.suggest import listed

Fields = dict[str, str]
Row = Mapping[str, Any]

CONVERSATIONS = ("messages", "conversations", "conversation", "dialogue", "dialog", "chat", "turns")
PROMPTS = ("prompt", "question", "query")
RESPONSES = ("response", "completion", "answer", "output", "steps")
_INPUTS, _OUTPUTS = ("input", "context"), ("output", "response")
# What may stand beside a `text` that is the whole of a row; next to anything else (an intent, a category) it may as
# well be a question.
_BESIDE_TEXT = frozenset(
    [
        *("text", "id", "uuid", "url", "source", "file_path", "title", "language", "lang", "license"),
        *("date", "created", "timestamp", "added", "meta", "metadata"),
    ]
)
_MANY = 6  # names in a message


def recognised(rows: Sequence[Row], said: Mapping[str, str], name: str) -> tuple[str, Fields, str]:
    """The format, the fields (ours: theirs) and in words what they were told by. `said` are fields that are certain.

    Raises ResepError where the rows fit no format, or more than one.
    """
    if not rows:
        raise ResepError(f"{name}: there is no row to tell the format by; write it instead of auto: {listed(FORMS)}")
    found = [dict(_fitting(row, said)) for row in rows]
    forms = list(dict.fromkeys(form for each in found for form in each))
    if not forms:
        raise ResepError(_fits_nothing(rows, name))
    if len(forms) > 1:
        raise ResepError(_fits_several(found, forms, name))
    fields = {ours: theirs for each in found for ours, theirs in each.get(forms[0], {}).items()}
    if differing := [each[forms[0]] for each in found if not each.get(forms[0], {}).items() <= fields.items()]:
        raise ResepError(_fields_differ(differing[0], fields, name))
    fields |= said
    return forms[0], fields, _in_words(forms[0], fields, rows)


def shape(value: Any) -> str | None:
    """What a conversation's first turn says of it: from/value, role/content or pairs; None for what is none."""
    if isinstance(value, str) and value.lstrip()[:2] in ("[{", "[["):  # as a CSV file has it
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    first = value[0] if isinstance(value, list) and value else None
    if isinstance(first, dict):
        return "from/value" if "from" in first else "role/content" if "role" in first else None
    is_pair = isinstance(first, list) and len(first) == 2 and all(isinstance(text, str) for text in first)
    return "[question, answer] pairs" if is_pair else None


def _fitting(row: Row, said: Mapping[str, str]) -> Iterator[tuple[str, Fields]]:
    """The formats whose fields a row has, in their shapes, and these fields."""
    if "messages" in said or not {"prompt", "response"} & said.keys():
        yield from _conversations(row, said)
    if "messages" in said:
        return
    response = said.get("response")
    if _column(row, ("instruction",)) and "prompt" not in said:
        if output := response or _column(row, _OUTPUTS):
            yield "alpaca", _alpaca(row, output, said)
        return
    prompt, response = said.get("prompt") or _column(row, PROMPTS), response or _column(row, RESPONSES)
    if prompt and response and prompt in row and response in row:
        yield "prompt_response", {"prompt": prompt, "response": response}
    elif (text := _column(row, ("text",))) and all(column.lower() in _BESIDE_TEXT for column in row):
        yield "completion", {"response": text}


def _conversations(row: Row, said: Mapping[str, str]) -> Iterator[tuple[str, Fields]]:
    names = [said["messages"]] if "messages" in said else [name for name in row if name.lower() in CONVERSATIONS]
    for name in names:
        if (found := shape(row.get(name))) is not None:
            yield "sharegpt" if found == "from/value" else "messages", {"messages": name}


def _alpaca(row: Row, output: str, said: Mapping[str, str]) -> Fields:
    given = said.get("input") or _column(row, _INPUTS)
    instruction = _column(row, ("instruction",)) or "instruction"
    return {"prompt": instruction, **({"input": given} if given else {}), "response": output}


def _column(row: Row, names: Sequence[str]) -> str | None:
    """The one field of the row that is called so and says something; None where there are none, or several."""
    found = _columns(row, names)
    return found[0] if len(found) == 1 else None


def _columns(row: Row, names: Sequence[str]) -> list[str]:
    return [
        column
        for column, value in row.items()
        if column.lower() in names and (isinstance(value, str) or (isinstance(value, list) and value))
    ]


def _in_words(form: str, fields: Fields, rows: Sequence[Row]) -> str:
    used = {*FORMS[form].optional.values(), *fields.values()}
    unused = [column for column in _all_columns(rows) if column not in used]
    rest = f"; not used: {_some(unused)}" if unused else ""
    if form in ("messages", "sharegpt"):
        theirs = fields["messages"]
        found = next(found for row in rows if (found := shape(row.get(theirs))) is not None)
        return f"{theirs} of {found}{rest}"
    if form == "completion":
        return f"{fields['response']}, learnt as a whole{rest}"
    own = [ours for ours in ("prompt", "input", "response") if ours in fields]
    return ", ".join(f"{ours}: {fields[ours]}" for ours in own) + rest


def _all_columns(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(column for row in rows for column in row))


def _some(names: Sequence[str]) -> str:
    return ", ".join(islice(names, _MANY)) + (", ..." if len(names) > _MANY else "")


def _fits_nothing(rows: Sequence[Row], name: str) -> str:
    wants = "\n".join(f"  {form}: {each.wants}" for form, each in FORMS.items())
    several = [found for names in (PROMPTS, RESPONSES) if len(found := _columns(rows[0], names)) > 1]
    which = f"; which one is meant, {listed(several[0])}?" if several else ""
    return (
        f"{name}: the first rows fit no format; they have {_some(_all_columns(rows)) or 'no fields'}{which}\n{wants}\n"
        "write the format instead of auto, and what its fields are called here: "
        "`fields: {prompt: ..., response: ...}`"
    )


def _fits_several(found: Sequence[Mapping[str, Fields]], forms: Sequence[str], name: str) -> str:
    both = next((number for number, each in enumerate(found, 1) if len(each) > 1), None)
    if both is not None:
        told = [f"{form} ({', '.join(fields.values())})" for form, fields in found[both - 1].items()]
        return f"{name}: row {both} fits more than one format: {listed(told)}; write the one that is meant"
    first, second = (next(n for n, each in enumerate(found, 1) if form in each) for form in forms[:2])
    return (
        f"{name}: row {first} looks like {forms[0]} and row {second} like {forms[1]}: a source has one format; "
        "put them into two files, each a source of its own, or write the format that is meant"
    )


def _fields_differ(some: Fields, others: Fields, name: str) -> str:
    ours = next(key for key in some if some[key] != others[key])
    return (
        f"{name}: among the first rows, {ours} is sometimes '{some[ours]}' and sometimes '{others[ours]}'; "
        f"say which one is meant: `fields: {{{ours}: ...}}`"
    )
