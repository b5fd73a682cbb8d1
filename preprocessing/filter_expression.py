"""Keep the rows of which an expression is true, for example category != "spam" and length(prompt) > 10.

keep: comparisons (== != < <= > >= in, not in) of fields, texts, numbers, lists, true, false, null, length(text),
  lower(text) and contains(text, part), joined by and, or, not

`prompt` and `response` are texts: steps stand one per line, a conversation's prompt is all of it but the last answer.
"""

from resep import Row
from resep.errors import ResepError
from resep.expressions import WORDS, understood
from resep.row_texts import row_texts
from resep.suggest import did_you_mean, listed


def check_row(row: Row, *, keep: str = "") -> str | None:
    try:
        expression = understood(keep)
    except ValueError as error:
        raise ResepError(f"preprocessing.filter_expression.keep: {error}") from error
    fields = {**row.fields, **row_texts(row)}
    for name in expression.names:
        if name not in fields:
            hint = did_you_mean(name, fields) or f"; fields are {listed(fields)}"
            raise ResepError(f"preprocessing.filter_expression.keep: {row.origin} has no field '{name}'{hint}")
    try:
        return None if expression.meaning({**fields, **WORDS}) else f"not: {keep}"
    except TypeError as error:  # names types, never what the row says
        hint = "a number in a CSV file is a text, and a missing value is null"
        raise ResepError(f"{row.origin}: preprocessing.filter_expression.keep: {error} ({hint})") from error
