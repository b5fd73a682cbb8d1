"""The arms of a recipe: a well-known name, or a name of the recipe's own with options, in one form for all readers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

NATIVE = "native"  # the model's own chat template
TUNED = "tuned"

# What may stand in a recipe as a name alone, spelt out as options.
WELL_KNOWN: Mapping[str, Mapping[str, Any]] = {
    "base": {"weights": "base"},
    TUNED: {"weights": TUNED},
    "base@native-template": {"weights": "base", "chat_template": NATIVE},
    "tuned@native-template": {"weights": TUNED, "chat_template": NATIVE},
}
SOURCES = ("weights", "adapter", "model", "endpoint")  # whose weights answer: one of these


def arms(entries: Sequence[Any]) -> dict[str, Mapping[str, Any]]:
    """Name -> options, in the recipe's order; only those that are set. Entries that mean nothing are left out."""
    return {name: options for _, name, options in placed_arms(entries)}


def written(entries: Sequence[Any]) -> list[Any]:
    """The entries without the options that nobody set: as a person would write them."""
    own = {
        index: {name: options} for index, name, options in placed_arms(entries) if isinstance(entries[index], Mapping)
    }
    return [own.get(index, entry) for index, entry in enumerate(entries)]


def placed_arms(entries: Sequence[Any]) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
    """(index in the list, name, options) of each arm."""
    for index, entry in enumerate(entries):
        if isinstance(entry, str) and entry in WELL_KNOWN:
            yield index, entry, WELL_KNOWN[entry]
        elif isinstance(entry, Mapping) and len(entry) == 1:
            name, options = next(iter(entry.items()))
            if isinstance(options, Mapping):
                yield index, str(name), {key: value for key, value in options.items() if value is not None}


def candidate_of(names: Sequence[str]) -> str:
    """The arm that the others are compared with: `tuned`, else the last."""
    return TUNED if TUNED in names else names[-1]


def source_of(options: Mapping[str, Any]) -> str:
    """Whose weights answer: endpoint, model, adapter, or weights (the recipe's own)."""
    return next((key for key in reversed(SOURCES) if key in options), "weights")


def has_base_weights(options: Mapping[str, Any]) -> bool:
    """Whether the untuned model answers, in whatever format and with whatever examples before the question."""
    return source_of(options) == "weights" and options.get("weights", "base") == "base"
