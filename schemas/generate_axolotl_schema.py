"""Write axolotl-<version>.schema.json: every option of the installed Axolotl, with type and description.

    python schemas/generate_axolotl_schema.py        (needs the training environment)

Axolotl's own `config-schema` command fails in 0.19.0: an enum's members are torch dtypes, which JSON cannot spell.
Here such an enum is written as the names of its members. Resep reads the result instead of importing Axolotl (6 s).
"""

from __future__ import annotations

import importlib.metadata
import json
from enum import Enum
from pathlib import Path
from typing import Any

from axolotl.utils.schemas.config import AxolotlInputConfig
from pydantic.json_schema import GenerateJsonSchema

_PLAIN = (str, int, float, bool, type(None))


class _Lenient(GenerateJsonSchema):
    """Pydantic's generator, for enums and types that have no spelling in JSON."""

    def enum_schema(self, schema: Any) -> dict[str, Any]:
        members: list[Enum] = schema["members"]
        if all(isinstance(member.value, _PLAIN) for member in members):
            return super().enum_schema(schema)
        return {"title": schema["cls"].__name__, "type": "string", "enum": [member.name for member in members]}

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> dict[str, Any]:  # noqa: ARG002
        return {}


def generate() -> str:
    """The schema as the text of its file."""
    schema = AxolotlInputConfig.model_json_schema(schema_generator=_Lenient)
    return json.dumps(schema, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    version = importlib.metadata.version("axolotl")
    Path(__file__).with_name(f"axolotl-{version}.schema.json").write_text(generate(), encoding="utf-8")
