"""Checks across the keys of a recipe: each with its reason, at the key that is to be mended."""

from __future__ import annotations

from pathlib import Path

import pytest

from resep.errors import Problem, RecipeError
from resep.recipe import load
from tests.recipe_texts import EXAMPLE, SMALLEST, write_recipe


def found(folder: Path, *overrides: str, text: str = SMALLEST) -> list[Problem]:
    try:
        return list(load(write_recipe(folder, text), overrides).warnings)
    except RecipeError as error:
        return list(error.problems)


NO_VALIDATION = "split.fractions={train: 0.9, test: 0.1}"
HUB = "model.base=mistralai/Mistral-7B-v0.3"
FIELDS = "data.sources[0].fields={time: t, split: s, team: m}"
TWO = ["data.sources=[{path: a.csv}, {path: test.csv}]"]
HUB_DATA = f"data.sources=[{{hub: a/b, revision: {'a' * 40}}}, {{hub: a/b, revision: {'a' * 40}, split: test}}]"
TWO_FILES = "split.files={train: a.csv, test: test.csv}"
# (overrides, where, severity, words)
CASES = [
    # evaluators
    (["evaluation.evaluators.contains={field: fact}"], "evaluation.evaluators.contains.field", "error",
     "'fact' is not a field that data.sources[].fields maps"),
    # training
    (["training.learning_rate=0.1"], "training.learning_rate", "warning", "far above"),
    (["training.learning_rate=1e-9"], "training.learning_rate", "warning", "nothing will be learned"),
    (["training.lr_scheduler=constant", "training.warmup_ratio=0.1"], "training.warmup_ratio", "warning",
     "constant_with_warmup"),
    (["training.lr_scheduler=constant_with_warmup", "training.warmup_ratio=0"], "training.warmup_ratio", "warning",
     "nothing to warm up"),
    (["training.warmup_ratio=0.8"], "training.warmup_ratio", "warning", "80%"),
    (["training.method=full", "training.lora.r=8"], "training.lora", "error", "no adapters"),
    (["training.method=full", "training.axolotl={lora_modules_to_save: [lm_head]}"],
     "training.axolotl.lora_modules_to_save", "error", "no adapters"),
    (["training.lora.target_modules=[all-linear]"], "training.lora.target_modules[0]", "error", "all of them"),
    (["training.precision=bf16", "compute.profile=cpu"], "training.precision", "error", "needs a GPU"),
    (["training.precision=fp16", "training.method=full"], "training.precision", "warning", "too coarse"),
    (["training.early_stopping=1", NO_VALIDATION], "training.early_stopping", "error", "needs validation rows"),
    (["training.early_stopping=1", "training.eval_per_epoch=0"], "training.early_stopping", "error",
     "eval_per_epoch is 0"),
    (["training.early_stopping=3", "training.eval_per_epoch=3"], "training.early_stopping", "warning",
     "3 measurements"),
    (["training.early_stopping=1", "training.eval_per_epoch=4", "training.save_per_epoch=2"], "training.save_per_epoch",
     "warning", "4 per epoch"),
    (["training.eval_per_epoch=2", NO_VALIDATION], "training.eval_per_epoch", "warning", "nothing to measure"),
    (["training.micro_batch_size=16"], "training.micro_batch_size", "error", "is more than batch_size"),
    (["training.micro_batch_size=3", "training.batch_size=12", "training.gradient_accumulation_steps=2"],
     "training.micro_batch_size", "error", "is 6, but batch_size is 12"),
    (["training.max_steps=3", "training.num_epochs=1"], "training.max_steps", "error", "one of the two"),
    # the format of the rows
    (["data.sources[0].where=category = 'a'"], "data.sources[0].where", "error", "no expression"),
    (["data.sources[0].format=messages", "data.sources[0].fields={prompt: q}"], "data.sources[0].fields.prompt",
     "error", "format messages does not read 'prompt'; its rows have messages"),
    (["data.sources[0].format=completion", "data.sources[0].fields={system: s}"], "data.sources[0].fields.system",
     "error", "does not read 'system'"),
    # the split and its fields
    (["split.fractions={train: 0.1, test: 0.9}"], "split.fractions", "warning", "exchanged"),
    (["split.fractions={train: 0.8, validation: 0.1, test: 0.2}"], "split.fractions", "error", "train: 0.7"),
    (["split.max_rows.validation=5", NO_VALIDATION], "split.max_rows.validation", "warning", "no validation rows"),
    (["data.sources[0].fields={team: t}", "split.stratify_by=team", "split.group_by=team"], "split.stratify_by",
     "error", "one of the two"),
    (["split.stratify_by=prompt"], "split.stratify_by", "error", "sorts nothing"),
    (["split.by=time"], "split.by", "error", "'time' is not a field that data.sources[].fields maps"),
    (["split.by=split"], "split.by", "error", "'split' is not a field that data.sources[].fields maps"),
    (["data.sources[0].fields={slots: s}", "split.by=split"], "split.by", "error",
     "every source has slots: add 'split: <its name in the file>' to 'fields'"),
    (["data.sources=[{path: a.csv, fields: {team: t}}, {path: b.csv}]", "split.stratify_by=team"], "split.stratify_by",
     "error", "'team' is not a field that data.sources[1].fields maps: add 'team: <its name in the file>'"),
    ([FIELDS, "split.by=time", "split.stratify_by=team"], "split.stratify_by", "error", "leave stratify_by out"),
    (["split.stratify=exact"], "split.stratify", "error", "of which field"),
    ([FIELDS, "split.by=split", "split.files={test: rows.jsonl}"], "split.files", "error", "leave one of the two out"),
    ([FIELDS, "split.by=split", "split.fractions={test: 0.1}"], "split.fractions.test", "error",
     "without effect: the data brings its splits along (by: split)"),
    ([*TWO, TWO_FILES, "split.fractions={train: 0.9}"], "split.fractions.train", "error", "brings its splits along"),
    ([*TWO, "split.files={train: a.csv, test: tset.csv}"], "split.files.test", "error", "did you mean 'test.csv'?"),
    ([*TWO, "split.files={train: [a.csv], test: [test.csv, further_rows.parquet]}"], "split.files.test[1]", "error",
     "there are 'a.csv' and 'test.csv'"),
    ([*TWO, "split.files={train: [a.csv, test.csv], test: ./test.csv}"], "data.sources[1]", "error",
     "has 'test.csv' in train and in test"),
    (["data.sources=[{path: a.csv}, {path: b.csv}, {path: test.csv}]", TWO_FILES], "data.sources[1]", "error",
     "no split for 'b.csv'"),
    ([HUB_DATA, "split.files={test: hub:a/b/tets}"], "split.files.test", "error", "did you mean 'hub:a/b/test'?"),
    ([*TWO, "split.files={validation: a.csv, test: test.csv}", "split.fractions={validation: 0.1}"],
     "split.fractions.validation", "error", "files.validation already"),
    (["compute={price_per_hour: 2, price_per_million_tokens: 3}"], "compute.price_per_million_tokens", "error",
     "one of the two"),
    (["evaluation.slices=[response]"], "evaluation.slices[0]", "error", "sorts nothing"),
    (["evaluation.cluster_by=prompt"], "evaluation.cluster_by", "error", "sorts nothing"),
    # sources, steps, model
    (["data.sources=[{path: a.csv}, {path: ./a.csv}]"], "data.sources[1].path", "warning", "source 1 already"),
    (["data.sources[0].fields={prompt: text, response: text}"], "data.sources[0].fields", "error", "learn to repeat"),
    (["preprocessing=[lowercase, deduplicate, lowercase]"], "preprocessing[2]", "warning", "step 1 already"),
    (["data.sources[0].fields={reading: r}", "preprocessing=[series: {field: readings}]"],
     "preprocessing[0].series.field", "error", "did you mean 'reading'?"),
    (["preprocessing=[placeholders: {fields: [prompt]}]"], "preprocessing[0].placeholders.fields", "warning",
     "survives in response"),
    (["preprocessing=[placeholders: {detectors: []}]"], "preprocessing[0].placeholders.detectors", "warning",
     "nothing is found"),
    (["preprocessing=[placeholders: {patterns: {order-no: 'INV-[0-9]{6}'}}]"],
     "preprocessing[0].placeholders.patterns.order-no", "error", "such as ORDER_NO"),
    (["preprocessing=[placeholders: {words: {names: [Budi]}}]"],
     "preprocessing[0].placeholders.words.names", "error", "such as NAMES"),
    (["preprocessing=[placeholders: {detectors: [email, phone_number]}]"], "preprocessing[0].placeholders.detectors[1]",
     "error", "write phone"),
    ([HUB, "model.revision=main"], "model.revision", "warning", "moves"),
    (["model.base=https://huggingface.co/a/b/tree/main"], "model.base", "error", "'base: a/b'"),
    (["model.base=s3://bucket/model"], "model.base", "error", "no other address"),
    (["model.base=smollm2"], "model.base", "error", "write 'smollm2-135m-instruct'"),
    # arms and decoding
    (["generation.arms=[base, finetuned]"], "generation.arms[1]", "error", "write 'tuned'"),
    (["prompt.chat_template=native", "generation.arms=[base, tuned, base@native-template]"], "generation.arms[2]",
     "warning", "same as base"),
    (["generation.temperature=0.3"], "generation.temperature", "warning", "do_sample: true"),
    (["generation.do_sample=true", "generation.top_k=1"], "generation.top_k", "warning", "nothing to draw"),
    (["generation.max_new_tokens=5"], "generation.max_new_tokens", "warning", "cut"),
    (["generation.max_new_tokens=2000"], "generation.max_new_tokens", "warning", "sequence_len is 1024"),
    (['generation.stop=["\\n"]'], "generation.stop[0]", "warning", "first line"),
    # metrics and expectations
    (["evaluation.evaluators={length: {}}", "evaluation.primary=output_words"], "evaluation.primary", "error",
     "choose truncated or empty"),
    (["evaluation.primary=sequence_f1"], "evaluation.primary", "error", "add 'order_accuracy: {}'"),
    (["evaluation.evaluators={bertscore: {}}", "evaluation.primary=bertscore"], "evaluation.primary", "error",
     "bertscore_precision, bertscore_recall and bertscore_f1"),
    (["expect={exact_match.delta: '> 10'}"], "expect.exact_match.delta", "error", 'did you mean "> 0.1"'),
    (["expect={exact_match.delta: 0.05}"], "expect.exact_match.delta", "error", 'such as "> 0", ">= 0.05" or "< 2%"'),
    (["evaluation.evaluators={exact_match: {}, length: {}}", "expect={output_words.p_adjusted: '< 0.05'}"],
     "expect.output_words.p_adjusted", "error", "write output_words.p"),
    (["expect={exact_match.mean: '>= 1.5'}"], "expect.exact_match.mean", "error", "from 0 to 1"),
    (["expect={exact_match.delta: '< -0.1'}"], "expect.exact_match.delta", "warning", '"> 0.1"'),
    (["expect={bertscore_f1.delta: '> 0'}"], "expect.bertscore_f1.delta", "error", "add 'bertscore: {}'"),
    (["evaluation.evaluators={exact_match: {}, length: {}}", "expect={truncated.delta: '> 0'}"],
     "expect.truncated.delta", "warning", "better when lower"),
    (["evaluation.evaluators.bertscore.layer=12"], "evaluation.evaluators.bertscore.layer", "error", "layers 0 to 6"),
    (["evaluation.evaluators.bertscore.encoder=sentence-transformers/all-MiniLM-L6-v2"],
     "evaluation.evaluators.bertscore.encoder", "error", "the embedded 'all-minilm-l6-v2'"),
    (["evaluation.evaluators.bertscore.encoder=all-minilm"], "evaluation.evaluators.bertscore.encoder", "error",
     "did you mean"),
    (["evaluation.evaluators.bertscore.encoder=lexical"], "evaluation.evaluators.bertscore.encoder", "error",
     "no vector per token"),
    (["evaluation.evaluators.bertscore.rescale=en"], "evaluation.evaluators.bertscore.rescale", "error",
     "no baseline for the embedded"),
    (["evaluation.evaluators.bertscore.batch_tokens=0"], "evaluation.evaluators.bertscore.batch_tokens", "error",
     "at least one token"),
    (["evaluation.evaluators.order_accuracy.threshold=30"], "evaluation.evaluators.order_accuracy.threshold", "error",
     "did you mean 0.3"),
    (["resep=2"], "resep", "error", "install a newer resep"),
]  # fmt: skip


@pytest.mark.parametrize(("overrides", "where", "severity", "words"), CASES, ids=[f"{c[1]}-{c[3][:20]}" for c in CASES])
def test_keys_that_do_not_go_together(
    tmp_path: Path, overrides: list[str], where: str, severity: str, words: str
) -> None:
    problems = found(tmp_path, *overrides)
    assert [(p.where, p.severity) for p in problems] == [(where, severity)], problems
    assert words in problems[0].message


@pytest.mark.parametrize(
    "overrides",
    [
        ["training.early_stopping=1", "training.eval_per_epoch=4"],
        ["training.lr_scheduler=constant"],
        ["training.precision=fp16"],
        ["training.method=full", "training.precision=bf16"],
        ["training.micro_batch_size=4", "training.gradient_accumulation_steps=2"],
        ["data.sources=[{path: a.csv}, {path: b.csv}]"],
        ["data.sources=[{path: a.csv, fields: {prompt: q1}}, {path: a.csv, fields: {prompt: q2}}]"],
        ["preprocessing=[placeholders, lowercase, strip_punctuation, deduplicate]"],
        ["prompt.chat_template=native"],
        ["generation.do_sample=true", "generation.temperature=0.3"],
        ["generation.max_new_tokens=5", "prompt.response_format=text"],
        ["generation.stop=['\\n\\n']"],
        ["expect={exact_match.delta: '>= 1'}"],
        ["expect={exact_match.delta: '> -0.02'}"],
        ["expect={exact_match.delta: '< 0.5'}"],
        ["expect={exact_match.delta: '> 20%'}"],
        ["evaluation.evaluators.bertscore.encoder=a/b@0123456"],
        ["evaluation.evaluators.bertscore.encoder=./encoders/mine"],
        ["model.base=mistralai/Mistral-7B-v0.3", "model.revision=0123456789abcdef0123456789abcdef01234567"],
    ],
)
def test_what_goes_together_is_not_complained_about(tmp_path: Path, overrides: list[str]) -> None:
    assert found(tmp_path, *overrides) == []


def test_a_limit_that_a_parent_set_can_be_taken_back(tmp_path: Path) -> None:
    (tmp_path / "parent.yaml").write_text("training:\n  num_epochs: 2\n")
    child = "extends: parent.yaml\n" + SMALLEST + "training:\n  max_steps: 10\n"
    (problem,) = found(tmp_path, text=child)
    assert "parent.yaml:2 (null deletes it here)" in problem.message
    assert found(tmp_path, text=f"{child}  num_epochs: null\n") == []


@pytest.mark.parametrize(
    ("inherited", "key"),
    [
        ("split: {stratify_by: team}", "split: {stratify_by: null}"),
        ("evaluation: {slices: [team]}", "evaluation: {slices: null}"),
        ("split: {stratify: exact}", "split: {stratify: null}"),
    ],
)
def test_what_a_parent_says_and_the_rows_do_not_bear_can_be_taken_out(tmp_path: Path, inherited: str, key: str) -> None:
    (tmp_path / "parent.yaml").write_text(f"{inherited}\n")
    child = "extends: parent.yaml\n" + SMALLEST
    (problem,) = found(tmp_path, text=child)
    assert f"'{key}' in {tmp_path}/recipe.yaml takes it out" in problem.message
    assert found(tmp_path, key.replace(": {", ".").replace(": null}", "=null"), text=child) == []


def test_the_shipped_example_has_nothing_to_complain_about(tmp_path: Path) -> None:
    assert found(tmp_path, text=EXAMPLE) == []
