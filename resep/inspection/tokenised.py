"""What tokenise counted, where it has run on the prepared rows: how long rows are, and what training them will take."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resep import pipeline
from resep.errors import ResepError
from resep.hardware import detect
from resep.inspection.account import Section
from resep.inspection.table import aligned
from resep.preflight import foresee_training, last_rate
from resep.stages.tokenise.lengths import QUANTILES

if TYPE_CHECKING:
    from resep.recipe import Recipe
    from resep.store import Emit, Store


def tokenised(recipe: Recipe, store: Store, prepared: Path, emit: Emit, *, now: bool) -> Path | None:
    """The folder of tokenise, where it has run on these rows before; `now`: it runs, if it has not."""
    try:
        stages = pipeline.plan(recipe, detect(recipe["compute.profile"]), emit)
    except ResepError:
        if now:
            raise
        return None  # the model is not here: nothing was tokenised with it
    if now:
        return pipeline.run(stages, store, emit, "tokenise")["tokenise"]
    decision = store.decide(next(stage for stage in stages if stage.kind == "tokenise"), {"prepare": prepared})
    return store.folder(decision.stage, decision.key) if decision.reuse and decision.key else None


def counted(folder: Path) -> Mapping[str, Any]:
    """Tokenise's statistics.json."""
    return dict(json.loads((folder / "statistics.json").read_text(encoding="utf-8")))


def token_section(recipe: Recipe, store: Store, folder: Path, emit: Emit) -> Section:
    """Lengths, rows that do not fit, steps, time and price."""
    profile = detect(recipe["compute.profile"])
    model = pipeline.base_model(recipe, emit).identity
    rate = last_rate(store.root, model, recipe["training.method"], profile.device_name)
    foreseen, _ = foresee_training(recipe, folder, profile, rate)
    return Section("tokens", [*aligned(_lengths(counted(folder)["splits"])), *(f"{a:<9} {b}" for a, b in foreseen)])


def _lengths(splits: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    """Of each split, how long its rows are before any cut. Of test rows nothing is cut."""
    shares = [str(share) for share in QUANTILES]
    yield "", "rows", "tokens", *(f"{share}% up to" for share in shares), "longest", "over sequence_len"
    for split, counts in splits.items():
        quantiles = counts["quantiles"]["tokens"]
        over = f"{counts['over_limit']:,}" if "over_limit" in counts else ""
        lengths = (f"{quantiles[share]:,}" if quantiles else "" for share in shares)
        yield split, f"{counts['rows']:,}", f"{counts['tokens']:,}", *lengths, f"{counts['longest']:,}", over
