"""A recipe that a service trains, its rows, and the small server that plays the service, for tests."""

from __future__ import annotations

import json
from pathlib import Path

from resep.hosted.service import Service as Named
from tests.fine_tuning_server import BASE, Service
from tests.recipe_texts import write_recipe

HOSTED = f"""\
resep: 1
name: hosted
model: {{base: {BASE}}}
data:
  sources:
    - {{path: rows.jsonl, format: prompt_response}}
preprocessing: [placeholders, lowercase]
split: {{fractions: {{train: 0.6, validation: 0.2, test: 0.2}}}}
training:
  trainer: openai
evaluation:
  primary: exact_match
  evaluators: {{exact_match: {{}}}}
"""


def kitchen(folder: Path, rows: int = 60, text: str = HOSTED) -> Path:
    """A folder with the recipe and so many rows, some with an e-mail address in them. Returns the recipe's path."""
    lines = [
        {"prompt": f"How do I mail m{n}@x.org?" if n % 10 == 0 else f"Question {n}?", "response": [f"Do {n}.", "End."]}
        for n in range(rows)
    ]
    (folder / "rows.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return write_recipe(folder, text)


def named(service: Service) -> Named:
    """The service as a recipe names it."""
    return Named(service.url, "OPENAI_API_KEY", BASE, 4)
