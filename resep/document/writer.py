"""Data -> YAML that readers of YAML 1.1 (PyYAML, Axolotl) and of YAML 1.2 take for the same data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from resep.document.scalars import read_scalar

_LINE_ENDS = frozenset("\r\x85\u2028\u2029")  # PyYAML writes them as they are, and reads them as a line end


def dump_yaml(data: Mapping[str, Any]) -> str:
    """The data as YAML: block style, keys in their order, one line per scalar, Unicode as it is."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=2**20)


class _Dumper(yaml.SafeDumper):
    """PyYAML quotes what YAML 1.1 would misread; this one also quotes what YAML 1.2 would (`1e5`, `0o17`)."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if not _LINE_ENDS.isdisjoint(text) else "'" if _is_ambiguous(text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _is_ambiguous(text: str) -> bool:
    try:
        return read_scalar(text) != text
    except ValueError:  # an infinity, a number that is too large: not text either
        return True


_Dumper.add_representer(str, _represent_text)
