"""A model without the layers above one: what it then gives last is what bert-score compares."""

from __future__ import annotations

from typing import Any

from resep.errors import ResepError

# Where the families keep their layers: BERT and RoBERTa, T5, DistilBERT, XLNet, BART and decoders.
_PLACES = ("encoder.layer", "encoder.layers", "encoder.block", "transformer.layer", "layer", "layers", "block", "h")


def cut_after(model: Any, layer: int, name: str) -> Any:
    """The same model, reading only as far as `layer` (0: no layer at all). Raises ResepError where it has fewer."""
    if hasattr(model, "encoder") and hasattr(model, "decoder"):  # BART, T5: their encoder reads
        model = model.encoder
    if hasattr(getattr(model, "encoder", None), "albert_layer_groups"):  # ALBERT: one layer, gone through many times
        _require(layer, model.encoder.config.num_hidden_layers, name)
        model.encoder.config.num_hidden_layers = layer
        return model
    if hasattr(model, "n_layers"):  # XLM
        _require(layer, model.n_layers, name)
        model.n_layers = layer
        return model
    for place in _PLACES:
        owner, _, attribute = place.rpartition(".")
        holder = getattr(model, owner, None) if owner else model
        layers = getattr(holder, attribute, None)
        if layers is not None and hasattr(layers, "__len__"):
            _require(layer, len(layers), name)
            setattr(holder, attribute, layers[:layer])
            return model
    raise ResepError(
        f"bertscore.encoder: {name} is a {type(model).__name__}, whose layers are not known here; "
        "take an encoder of the families BERT, RoBERTa, DeBERTa, ALBERT, DistilBERT, XLNet, BART or T5"
    )


def _require(layer: int, layers: int, name: str) -> None:
    if not 0 <= layer <= layers:
        raise ResepError(f"bertscore.layer: {layer}: {name} has layers 0 to {layers}")
