from pathlib import Path

import pytest

from resep import runs
from resep.digests import write_json
from resep.recipe import load

RECIPE = """
resep: 1
name: mine
model: {base: ./gone}
data: {sources: [{path: rows.jsonl}]}
evaluation: {primary: exact_match, evaluators: {exact_match: {}}}
"""


@pytest.mark.parametrize("weights", ["adapter", "model"])
def test_the_run_folder_holds_what_was_trained(tmp_path: Path, weights: str) -> None:
    folders = {
        name: tmp_path / "store" / name / "0123456789abcdef"
        for name in ("prepare", "tokenise", "configure", "train", "evaluate:exact_match", "report")
    }
    files = {
        "report": ("report.html", "report.md", "results.json", "samples.jsonl", "scores.jsonl"),
        "tokenise": ("ledger.jsonl",),
        "prepare": (),
        "evaluate:exact_match": (),
        "configure": ("axolotl.yaml",),
        "train": (f"{weights}/model.safetensors",),
    }
    for name, folder in folders.items():
        ingredients = {"reads": {}, "config": {"model": "m#1"}}
        outputs = dict.fromkeys(files[name], "digest")
        record = {"key": "k", "ingredients": ingredients, "outputs": outputs, "provenance": {"versions": {}}}
        write_json(folder / "stage.json", record)
        for file in files[name]:
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).write_text("x")
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    (tmp_path / "rows.jsonl").write_text("{}")
    folder = runs.publish(tmp_path / "runs", load(tmp_path / "recipe.yaml"), folders)
    assert (folder / weights / "model.safetensors").read_text() == "x"
    assert (tmp_path / "runs" / "mine" / "latest").resolve() == folder.resolve()
