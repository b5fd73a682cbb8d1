"""The weights of an arm: the base in its precision, an adapter on it, another model. Only the child imports this."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import transformers

from resep.models.foreign import may_run_code


def load_model(folder: Path, precision: Mapping[str, Any], device: str) -> Any:
    """The model of a Hugging Face folder, ready to answer. `precision`: the fields of arms.Precision."""
    dtype = getattr(torch, precision["dtype"])
    options: dict[str, Any] = {"quantization_config": _nf4(dtype)} if precision["four_bit"] else {}
    if device == "cuda":
        options["device_map"] = {"": 0}
    model = transformers.AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=dtype,
        attn_implementation="sdpa",
        use_safetensors=True,
        trust_remote_code=may_run_code(folder),  # None would ask on standard input
        **options,
    ).eval()
    if precision["dequantise"]:
        # bitsandbytes' own 4-bit forward switches to a bf16 kernel on some CPUs: logits were off by 2.9 (measured).
        model = model.dequantize(dtype=dtype).eval()
    return model


def attach_adapter(model: Any, adapter: Path) -> Any:
    """Put an adapter on the model in place, switched on, any earlier one off; `disable_adapter()` of the result
    switches it off too. The result may be given another adapter in its turn.
    """
    from peft import PeftModel

    if not isinstance(model, PeftModel):
        return PeftModel.from_pretrained(model, str(adapter)).eval()
    name = f"adapter-{len(model.peft_config)}"
    model.load_adapter(str(adapter), adapter_name=name)
    model.set_adapter(name)
    return model.eval()


def release(model: Any) -> None:
    """Give back a model's memory, whoever still holds it: on the meta device a tensor has no content."""
    model.to("meta")
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _nf4(dtype: torch.dtype) -> Any:
    """4-bit weights as QLoRA trains on them, and as Axolotl asks for them: nf4, the scales quantised again."""
    return transformers.BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
    )
