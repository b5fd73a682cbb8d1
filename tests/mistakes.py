"""Mistakes as people make them in the design's example: what is replaced, and by what (and once more, by what)."""

from __future__ import annotations

from tests.recipe_texts import EXAMPLE

MISTAKES: dict[str, tuple[str, ...]] = {
    # names and values of other tools
    "axolotl_batch": ("batch_size: 8 ", "micro_batch: 8 "),
    "axolotl_bf16": ("  overflow: fail", "  bf16: yes\n  overflow: fail"),
    "axolotl_eval_steps": ("eval_per_epoch: 2", "eval_steps: 50"),
    "axolotl_val_set_size": ("seed: 42", "val_set_size: 0.1"),
    "huggingface_batch": ("batch_size: 8 ", "per_device_train_batch_size: 4 "),
    "huggingface_output_dir": ("seed: 42", "output_dir: ./out"),
    "huggingface_scheduler": ("lr_scheduler: cosine", "lr_scheduler: linear_with_warmup"),
    "key_of_another_tool": ("num_epochs: 1", "num_train_epochs: 1"),
    "llamafactory_target": ("target_modules: all-linear", "target_modules: all"),
    "llamafactory_template": ("chat_template: mistral ", "template: mistral "),
    "openai_temperature": ("max_new_tokens: 160", "max_new_tokens: 160\n  temperature: 0"),
    "peft_rank": ("{r: 16,", "{rank: 16,"),
    "peft_rank_outside": ("  lora: {r: 16, alpha: 32, dropout: 0.05, target_modules: all-linear}", "  lora_rank: 16"),
    "pytorch_optimizer": ("warmup_ratio: 0.05", "optimizer: AdamW"),
    "qlora_with_a_dash": ("method: qlora", "method: q-lora"),
    "trl_max_length": ("sequence_len: 256", "max_length: 256"),
    "unsloth_load_in_4bit": ("method: qlora", "load_in_4bit: true"),
    "vllm_top_k": ("max_new_tokens: 160", "do_sample: true\n  top_k: -1"),
    "short_learning_rate": ("learning_rate: 1e-3", "lr: 1e-3"),
    "joined_learning_rate": ("learning_rate: 1e-3", "learningrate: 1e-3"),
    "early_stopping_true": ("eval_per_epoch: 2", "early_stopping: true"),
    "step_of_another_tool": ("- deduplicate", "- dedup"),
    "template_of_another_tool": ("chat_template: mistral ", "chat_template: mistral_v3 "),
    "short_response_format": ("response_format: numbered_steps", "response_format: numbered"),
    "format_of_another_tool": ("format: prompt_response", "format: chatml"),
    "model_as_a_text": ("model:\n  base: smollm2-135m-instruct", "model: smollm2-135m-instruct"),
    "model_as_a_link": ("base: smollm2-135m-instruct", "base: https://huggingface.co/mistralai/Mistral-7B-v0.3"),
    "evaluators_as_a_list": (
        EXAMPLE[EXAMPLE.index("    order_accuracy: {thr") : EXAMPLE.index("  slices:")],
        "    - order_accuracy\n    - bertscore\n",
    ),
    # spelling, types, bounds, places
    "misspelt_key": ("learning_rate: 1e-3", "learning_rte: 1e-3"),
    "misspelt_section": ("generation:", "generations:"),
    "misspelt_choice": ("method: qlora", "method: qlra"),
    "misspelt_embedded_model": ("base: smollm2-135m-instruct", "base: smollm-135m-instruct"),
    "unknown_step": ("- lowercase", "- lowercas"),
    "unknown_option": ("{fields: [prompt, response]}", "{field: [prompt]}"),
    "unknown_evaluator": ("exact_match: {}", "exact_mach: {}"),
    "unknown_statistic": ("order_accuracy.delta", "order_accuracy.gain"),
    "unknown_arm": ("tuned, base@native-template", "tuned, gpt-4"),
    "unknown_file_type": ("path: data/quickstart.jsonl", "path: data/quickstart.xlsx"),
    "wrong_choice_of_an_option": ("- deduplicate", "- deduplicate: {by: pairs}"),
    "quoted_number": ("learning_rate: 1e-3", "learning_rate: '1e-3'"),
    "decimal_comma": ("learning_rate: 1e-3", "learning_rate: 0,001"),
    "percentage": ("warmup_ratio: 0.05", "warmup_ratio: 5%"),
    "fractions_in_percent": ("train: 0.75, validation: 0.10, test: 0.15", "train: 75, validation: 10, test: 15"),
    "yes_for_true": ("max_new_tokens: 160", "max_new_tokens: 160\n  do_sample: yes"),
    "quoted_true": ("eval_per_epoch: 2", 'packing: "true"'),
    "out_of_bounds": ("batch_size: 8 ", "batch_size: 0 "),
    "half_a_batch": ("batch_size: 8 ", "batch_size: 8.5 "),
    "text_for_a_list": ("slices: [category]", "slices: category"),
    "key_of_another_section": ("  overflow: fail", "  temperature: 0.2\n  overflow: fail"),
    "key_one_level_too_high": ("  lora: {r: 16, alpha: 32, dropout: 0.05, target_modules: all-linear}", "  alpha: 32"),
    "options_beside_their_step": (
        "      detectors: [email, phone, card, url, ip]\n      patterns:",
        "    detectors: [email, phone, card, url, ip]\n    patterns:",
    ),
    "evaluator_without_a_value": ("exact_match: {}", "exact_match:"),
    "missing_section": (EXAMPLE[EXAMPLE.index("model:\n") : EXAMPLE.index("data:\n")], ""),
    "key_of_a_later_version": ("seed: 42", "tracking: wandb"),
    "newer_language": ("resep: 1 ", "resep: 2 "),
    # YAML
    "repeated_key": ("sequence_len: 256", "batch_size: 4"),
    "tab": ("  by: prompt", "\tby: prompt"),
    "wrong_indentation": ("  stratify_by: category", " stratify_by: category"),
    "missing_colon": ("learning_rate: 1e-3", "learning_rate 1e-3"),
    "missing_space_after_the_colon": ("learning_rate: 1e-3", "learning_rate:1e-3"),
    "open_quote": ('salt: "1" ', 'salt: "1 '),
    "open_bracket": ("arms: [base, tuned, base@native-template]", "arms: [base, tuned, base@native-template"),
    "unquoted_expectation": ('delta: "> 0"', "delta: > 0"),
    "expectation_without_a_number": ('delta: "> 0"', 'delta: "positive"'),
    # between keys
    "hub_id_without_revision": ("base: smollm2-135m-instruct", "base: mistralai/Mistral-7B-v0.3"),
    "moving_revision": (
        "base: smollm2-135m-instruct", "base: mistralai/Mistral-7B-v0.3\n  revision: main",
    ),
    "fractions_beyond_one": ("test: 0.15", "test: 0.25"),
    "unmapped_field": ("stratify_by: category", "stratify_by: catgory"),
    "field_that_is_nowhere": ("stratify_by: category", "stratify_by: customer"),
    "answer_beside_a_response": ("category: category}   #", "category: category}\n      answer: [category]   #"),
    "answer_of_an_unmapped_field": (
        "response: response, category: category}   #", "category: category}\n      answer: [catgory]   #",
    ),
    "answer_of_a_conversation": (
        "prompt_response         # or messages\n      fields: {prompt: prompt, response: response,",
        "messages\n      answer: [category]\n      fields: {",
    ),
    "lookup_by_two_columns": (
        "category: category}   #",
        "category: category}\n      lookup: {path: table.csv, by: {category: label, id: nr}}   #",
    ),
    "lookup_at_an_address": (
        "category: category}   #",
        "category: category}\n      lookup: {path: \"https://example.org/table.csv\", by: {category: label}}   #",
    ),
    "path_out_of_the_folder": ("path: data/quickstart.jsonl", "path: ../../data/quickstart.jsonl"),
    "runaway_pattern": ("INV-[0-9]{6}", "(a+)+"),
    "personal_data_survives": (
        EXAMPLE[EXAMPLE.index("  - placeholders") : EXAMPLE.index("  - deduplicate")],
        "  - lowercase\n  - strip_punctuation\n  - placeholders\n",
    ),
    "two_lengths": ("num_epochs: 1 ", "num_epochs: 1\n  max_steps: 100 "),
    "batches_that_do_not_multiply": ("batch_size: 8 ", "micro_batch_size: 3\n  batch_size: 8 "),
    "adapters_of_full_training": ("method: qlora", "method: full"),
    "early_stopping_without_rows": (
        "train: 0.75, validation: 0.10, test: 0.15", "train: 0.85, test: 0.15",
        "eval_per_epoch: 2", "early_stopping: 3",
    ),
    "early_stopping_that_cannot_happen": ("eval_per_epoch: 2", "eval_per_epoch: 2\n  early_stopping: 3"),
    "temperature_without_sampling": ("max_new_tokens: 160", "max_new_tokens: 160\n  temperature: 0.7"),
    "unmeasured_primary": ("primary: order_accuracy", "primary: order_acuracy"),
    "evaluator_for_primary": ("primary: order_accuracy", "primary: bertscore"),
    "primary_of_an_evaluator_not_listed": ("primary: order_accuracy", "primary: output_words"),
    "expectation_of_a_loss": ('delta: "> 0"', 'delta: "< 0"'),
    "expectation_in_percent": ('delta: "> 0"', 'delta: "> 5"'),
    "too_little_room": ("max_new_tokens: 160", "max_new_tokens: 10"),
}  # fmt: skip

AXOLOTL = """\
base_model: mistralai/Mistral-7B-v0.3
load_in_4bit: true
adapter: qlora
lora_r: 16
lora_alpha: 32
lora_target_linear: true
datasets:
  - path: data/train.jsonl
    type: chat_template
val_set_size: 0.05
output_dir: ./out
sequence_len: 2048
sample_packing: true
micro_batch_size: 2
gradient_accumulation_steps: 4
num_epochs: 3
optimizer: adamw_bnb_8bit
lr_scheduler: cosine
learning_rate: 0.0002
bf16: auto
logging_steps: 1
"""


def with_mistake(name: str, text: str = EXAMPLE) -> str:
    """The example with this mistake in it."""
    for old, new in batched(MISTAKES[name]):
        assert text.count(old) == 1, f"{name}: the mistake has to be made in one place"
        text = text.replace(old, new)
    return text


def batched(parts: tuple[str, ...]) -> list[tuple[str, str]]:
    return list(zip(parts[::2], parts[1::2], strict=True))
