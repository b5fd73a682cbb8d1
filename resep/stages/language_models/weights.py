"""Weights in memory: a base model with the adapters on it, of which one is on at a time, or none."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from resep.generation import loading
from resep.stages.language_models.likelihood import Row, bits

# Of those whose every weight was trained there are two, base and tuned. Where a training fitted, both fit.
_KEPT = 2


@dataclass
class Loaded:
    """A model and its adapters. The model changes in place: whoever uses it does so within `wearing`."""

    model: Any
    folder: Path
    peft: Any = None
    names: dict[Path, str] = field(default_factory=dict)
    known: dict[tuple[Path | None, Row], float | None] = field(default_factory=dict)

    @contextmanager
    def wearing(self, adapter: Path | None) -> Iterator[Any]:
        """The model with this adapter on and no other, or with none, while the context lasts."""
        if adapter is not None:
            self._put_on(adapter)
            yield self.model
        elif self.peft is None:
            yield self.model
        else:
            with self.peft.disable_adapter():
                yield self.model

    def bits(self, adapter: Path | None, rows: list[Row]) -> list[float | None]:
        """likelihood.bits with this adapter; a row that was asked before is not asked again."""
        new = [row for row in dict.fromkeys(rows) if (adapter, row) not in self.known]
        if new:
            with self.wearing(adapter) as model:
                self.known.update(zip(((adapter, row) for row in new), bits(model, new), strict=True))
        return [self.known[adapter, row] for row in rows]

    def _put_on(self, adapter: Path) -> None:
        if adapter not in self.names:
            self.peft = loading.attach_adapter(self.peft or self.model, adapter)
            self.names[adapter] = self.peft.active_adapter
        self.peft.set_adapter(self.names[adapter])


@dataclass
class Shelf:
    """The models that are loaded, the one that was asked for last at the end; more than _KEPT are not kept."""

    precision: Mapping[str, Any]
    device: str
    loaded: OrderedDict[Path, Loaded] = field(default_factory=OrderedDict)

    def take(self, folder: Path) -> Loaded:
        """The model of this folder, loaded if it is not here."""
        if folder not in self.loaded:
            while len(self.loaded) >= _KEPT:
                _, oldest = self.loaded.popitem(last=False)
                loading.release(oldest.model)
            self.loaded[folder] = Loaded(loading.load_model(folder, self.precision, self.device), folder)
        self.loaded.move_to_end(folder)
        return self.loaded[folder]
