"""From raw values to our fields, and from our fields to an Example: one small file per format.

`mapping_of` says once per source which format its rows have (`format: auto` looks at the first of them), `to_fields`
reads one raw row, `texts_of` and `with_texts` let steps change what a row says, `to_example` makes the conversation.
A row that cannot be used is a BadRowError, short and without the row's own text.
"""

from resep.formats.example import has_question, has_tools, to_example
from resep.formats.mapping import FORMS, LeftOut, Mapped, announcement, foreign_fields, mapping_of, to_fields
from resep.formats.texts import empty_part, texts_of, with_texts
from resep.formats.values import BadRowError

__all__ = [
    "FIRST_ROWS",
    "FORMS",
    "BadRowError",
    "LeftOut",
    "Mapped",
    "announcement",
    "empty_part",
    "foreign_fields",
    "has_question",
    "has_tools",
    "mapping_of",
    "texts_of",
    "to_example",
    "to_fields",
    "with_texts",
]

FIRST_ROWS = 20  # that `format: auto` looks at
