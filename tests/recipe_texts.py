"""Recipe texts that the tests of the recipe language start from."""

from __future__ import annotations

from pathlib import Path

# The example of the design, word for word: what it says has to load.
EXAMPLE = """\
# yaml-language-server: $schema=../schemas/recipe.schema.json
# "How do I reset my password in the XX app?" -> ordered steps. Two CPU cores, no GPU, under five minutes.
resep: 1                              # version of the recipe language
name: quickstart                      # runs land in runs/quickstart/
seed: 42

model:
  base: smollm2-135m-instruct         # embedded; also a local folder, or a hub id with `revision`

data:
  sources:
    - path: data/quickstart.jsonl     # relative to this file
      format: prompt_response         # or messages
      fields: {prompt: prompt, response: response, category: category}   # ours: theirs

preprocessing:                        # in this order
  - placeholders:                     # first: later steps would hide personal data from the detectors
      detectors: [email, phone, card, url, ip]
      patterns: {ORDER: "INV-[0-9]{6}"}
  - lowercase
  - strip_punctuation: {fields: [prompt, response]}   # leave response out where it holds JSON or code
  - deduplicate

split:
  by: prompt                          # all answers to one question stay on one side
  stratify_by: category
  fractions: {train: 0.75, validation: 0.10, test: 0.15}
  salt: "1"                           # another salt, another split

prompt:
  chat_template: mistral              # Mistral-7B-Instruct-v0.3's format
  response_format: numbered_steps     # how a list becomes text: numbered_steps, bulleted_steps, json, text

training:
  method: qlora                       # lora: no 4-bit; full: every weight
  lora: {r: 16, alpha: 32, dropout: 0.05, target_modules: all-linear}
  learning_rate: 1e-3                 # higher: faster, forgets more; 7B models want 1e-4 to 2e-4
  num_epochs: 1                       # more: fits closer; watch the validation loss
  batch_size: 8                       # global; larger: smoother, more memory
  sequence_len: 256
  overflow: fail                      # or drop, truncate_prompt, truncate_response; never silent
  lr_scheduler: cosine
  warmup_ratio: 0.05
  eval_per_epoch: 2

generation:
  arms: [base, tuned, base@native-template]   # the third: the base in its own format
  max_new_tokens: 160

evaluation:
  primary: order_accuracy             # the one metric that the verdict speaks of
  evaluators:                         # name: options; a child recipe adds one, or removes one with null
    order_accuracy: {threshold: 0.30}
    bertscore: {encoder: all-minilm-l6-v2, layer: 6}
    exact_match: {}
  slices: [category]

expect:
  order_accuracy.delta: "> 0"         # judged on the interval; exit code 4 when not met
"""

SMALLEST = """\
resep: 1
name: smallest
model:
  base: smollm2-135m-instruct
data:
  sources:
    - path: rows.jsonl
evaluation:
  primary: exact_match
  evaluators:
    exact_match: {}
"""


def write_recipe(folder: Path, text: str = SMALLEST) -> Path:
    """The text as recipe.yaml in a folder."""
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path
