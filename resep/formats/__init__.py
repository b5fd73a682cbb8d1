"""From raw values to our fields, and from our fields to an Example: one small file per format.

`mapping_of` says once per source which format its rows have (`format: auto` looks at the first of them), `to_fields`
reads one raw row, `texts_of` and `with_texts` let steps change what a row says, `to_example` makes the conversation.
A row that cannot be used is a BadRowError, short and without the row's own text.
"""

from resep.formats.example import example_lines, has_question, has_questions, has_tools, to_example
from resep.formats.mapping import FORMS, LeftOut, Mapped, announcement, foreign_fields, mapping_of, to_fields, to_table
from resep.formats.table import LazyRows, Rows, Table, as_table, chosen, column
from resep.formats.texts import empty_part, empty_parts, rows_with_texts, texts_of, texts_of_rows, with_texts
from resep.formats.values import BadRowError

__all__ = [
    "FIRST_ROWS",
    "FORMS",
    "BadRowError",
    "LazyRows",
    "LeftOut",
    "Mapped",
    "Rows",
    "Table",
    "announcement",
    "as_table",
    "chosen",
    "column",
    "empty_part",
    "empty_parts",
    "example_lines",
    "foreign_fields",
    "has_question",
    "has_questions",
    "has_tools",
    "mapping_of",
    "rows_with_texts",
    "texts_of",
    "texts_of_rows",
    "to_example",
    "to_fields",
    "to_table",
    "with_texts",
]

FIRST_ROWS = 20  # that `format: auto` looks at
