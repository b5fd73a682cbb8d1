"""Plain text to go on with: no question, no answer, every word of it is learnt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from resep.formats.form import Form
from resep.formats.values import check_text, field


def read(values: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """`response` alone: what a model is to write by itself."""
    text = field(values, "response", names["response"])
    check_text(text, f"field {names['response']!r}")
    return {"response": text}


FORM = Form(wants="text, to be learnt as a whole", fields={"response": "text"}, read=read)
