"""A training of two steps on a CPU: as much of the recipe's own as can happen there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from resep.rehearsal.records import Change, Note, Part, StandIns, removed
from resep.suggest import listed

if TYPE_CHECKING:
    from resep.recipe import Recipe

STEPS = 2
_ROWS_PER_STEP, _MICRO_BATCH = 4, 2  # so that rows are padded to each other, and gradients accumulate
_LONG = 2048  # tokens of a row: from here on one row at a time, for the sake of memory
# Two steps at a lower rate may leave no trace in 32-bit logits, and a tuned model that did not change is refused.
_SEEN = 1e-3
_COUNTS_OTHERWISE = 4  # a stand-in tokenizer may need more tokens for the same text: no row fails for that
# Options of Axolotl that need a GPU, or a compiler and minutes of a CPU; the rest of `training.axolotl` is rehearsed.
_NEEDS_A_GPU = """
    activation_offloading attn_implementation flash_attention flash_attn_cross_entropy flash_attn_d512
    flash_attn_fuse_mlp flash_attn_rms_norm flash_optimum flex_attention fp8_config
    fp8_enable_fsdp_float8_all_gather fused_attn_kernel gpu_memory_limit heads_k_stride large_head_attention
    layer_offloading lora_embedding_kernel lora_mlp_kernel lora_o_kernel lora_qkv_kernel max_memory
    multipack_real_batches pad_to_multiple_of pad_to_sequence_len qat qlora_sharded_model_loading quantization
    ring_attn_func s2_attention sage_attention sdpa_varlen tf32 tiled_mlp tiled_mlp_num_shards
    tiled_mlp_use_original_mlp torch_compile torch_compile_mode torch_compile_options use_onebitllms
    xformers_attention
"""


def training(recipe: Recipe, stand_ins: StandIns) -> Part:
    """Two steps of four rows, in the recipe's method, with its optimiser, its schedule, its adapters."""
    yield Change("training.max_steps", STEPS)
    yield from removed(recipe, "training.num_epochs", "training.gradient_accumulation_steps")
    yield Change("training.batch_size", _ROWS_PER_STEP)
    yield Change("training.micro_batch_size", 1 if recipe["training.sequence_len"] > _LONG else _MICRO_BATCH)
    if recipe["training.learning_rate"] < _SEEN:
        yield Change("training.learning_rate", _SEEN)
    if recipe["training.precision"] != "auto":
        yield Change("training.precision", "auto")
    if recipe["training.packing"] is True:
        yield Change("training.packing", "auto")  # which a CPU has not; few rows would not fill a pack either
    yield from _on_a_cpu(recipe)
    yield from _tokens(recipe, stand_ins)


def _on_a_cpu(recipe: Recipe) -> Part:
    if recipe["compute.data_engine"] != "local":
        yield Change("compute.data_engine", "local")
        yield Note("left out", f"compute.data_engine: {recipe['compute.data_engine']}")
    for_a_gpu = [
        f"training.axolotl.{option}" for option in recipe["training.axolotl"] or {} if option in _NEEDS_A_GPU.split()
    ]
    yield from (Change(key, None) for key in for_a_gpu)
    if recipe["compute.profile"] == "cpu":
        return
    yield Change("compute.profile", "cpu")
    also = f", and {listed(for_a_gpu).replace(' or ', ' and ')}" if for_a_gpu else ""
    yield Note("left out", f"the GPU: its precision, its kernels, packing of rows{also}; all of this runs on the CPU")


def _tokens(recipe: Recipe, stand_ins: StandIns) -> Part:
    """What depends on the tokenizer and on the names of a model's modules."""
    base = stand_ins.base
    if not base.tokenizer.is_own:
        yield Change("training.sequence_len", min(_COUNTS_OTHERWISE * recipe["training.sequence_len"], 1_048_576))
    targets = recipe["training.lora"] and recipe["training.lora.target_modules"]
    if isinstance(targets, list) and not base.is_of_its_family:
        yield Change("training.lora.target_modules", "all-linear")
        yield Note("left out", f"training.lora.target_modules: a {base.architecture} has other modules")
