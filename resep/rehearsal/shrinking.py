"""A model's config.json -> that of a tiny model with the same architecture: pure.

What makes a family what it is stays: activation, norms, rope, how many query heads share a key head, sliding windows,
tied embeddings, experts. Sizes shrink: two layers (or one of each kind that the family has), a width of about 64.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Config = Mapping[str, Any]

_HEAD, _LAYERS, _MOST_SHARED = 16, 2, 16  # numbers of a head, layers, query heads to a key head
_SIZES: Mapping[str, int] = {
    "intermediate_size": 128,
    "n_inner": 128,
    "moe_intermediate_size": 32,
    "shared_expert_intermediate_size": 32,
    "max_window_layers": _LAYERS,
}
_MOST: Mapping[str, int] = {  # of experts as many as are needed to choose among
    "num_local_experts": 4,
    "num_experts": 4,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
}
_LAYER_COUNTS = ("num_hidden_layers", "n_layer", "num_layers")
_HEAD_COUNTS = ("num_attention_heads", "n_head")
_WIDTHS = ("hidden_size", "n_embd")
# Of the published weights, or of the machine that wrote them.
_NOT_OF_THE_ARCHITECTURE = (
    *("quantization_config", "auto_map", "_name_or_path", "architectures", "transformers_version"),
    *("torch_dtype", "dtype", "task_specific_params"),
)


def shrunk(config: Config) -> dict[str, Any]:
    """The tiny config. Of a model for text and images it is that of the text part."""
    whole = {key: value for key, value in _text_part(config).items() if key not in _NOT_OF_THE_ARCHITECTURE}
    kinds = _kinds_of_layers(whole)
    layers = max(_LAYERS, len(kinds))
    tiny = {
        **whole,
        **{key: size for key, size in _SIZES.items() if _count(whole, key)},
        **{key: min(most, count) for key, most in _MOST.items() if (count := _count(whole, key))},
        **{key: layers for key in _LAYER_COUNTS if key in whole},
        **_heads(whole),
    }
    if kinds:
        tiny["layer_types"] = [kinds[at % len(kinds)] for at in range(layers)]
    return _with_short_lists(tiny, whole)


def _text_part(config: Config) -> Config:
    text = config.get("text_config")
    return text if isinstance(text, Mapping) and text.get("model_type") else config


def _kinds_of_layers(config: Config) -> list[str]:
    """Each kind of layer once, in the order of the model."""
    kinds = config.get("layer_types")
    return list(dict.fromkeys(map(str, kinds))) if isinstance(kinds, list) else []


def _heads(config: Config) -> dict[str, int]:
    """As many query heads to a key head as in the model, four together where that goes, and the width they make."""
    name = next((name for name in _HEAD_COUNTS if _count(config, name)), None)
    if name is None:
        return {}
    heads, key_heads = _count(config, name), _count(config, "num_key_value_heads")
    shared_by = min(_MOST_SHARED, max(1, heads // key_heads)) if key_heads else 1
    key_count = max(1, 4 // shared_by)
    tiny = {name: shared_by * key_count, **{key: shared_by * key_count * _HEAD for key in _WIDTHS if key in config}}
    if key_heads:
        tiny["num_key_value_heads"] = key_count
    if head := _count(config, "head_dim"):  # twice as large where the heads together are wider than the model itself
        tiny["head_dim"] = 2 * _HEAD if head * heads > _count(config, "hidden_size") else _HEAD
    return tiny


def _with_short_lists(tiny: dict[str, Any], whole: Config) -> dict[str, Any]:
    """Rope factors, of which there is one for every pair of numbers in a head, cut to the tiny head."""
    heads = next((count for name in _HEAD_COUNTS if (count := _count(whole, name))), 1)
    before = _count(whole, "head_dim") or _count(whole, "hidden_size") // heads
    after = tiny.get("head_dim") or _HEAD
    for key in ("rope_scaling", "rope_parameters"):
        if isinstance(tiny.get(key), Mapping) and before:
            tiny[key] = {name: _cut(value, after / before) for name, value in tiny[key].items()}
    return tiny


def _cut(value: Any, share: float) -> Any:
    is_list_of_numbers = isinstance(value, list) and value and all(isinstance(one, int | float) for one in value)
    return value[: max(1, round(len(value) * share))] if is_list_of_numbers else value


def _count(config: Config, name: str) -> int:
    """A whole number above 0; 0 where the config has none of this name."""
    value = config.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0
