"""Rows prepared on a Ray cluster of two workers, each a node of its own on this machine: the same bytes as at home."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not importlib.util.find_spec("ray"), reason="Ray is not installed: pip install 'resep[ray]'"),
]

ROOT = Path(__file__).parent.parent
IN_A_CLUSTER = """\
import os, sys, warnings
from pathlib import Path
import ray
from ray.cluster_utils import Cluster
from resep import plugins
import resep.sources.lines
from tests.preparing import prepared
from resep.recipe import load

resep.sources.lines.BLOCK_ROWS = 50
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
cluster.add_node(num_cpus=1)
os.environ["RAY_ADDRESS"] = cluster.address
folder = Path(sys.argv[1])
for engine in ("local", "ray"):
    (folder / engine).mkdir()
    prepared(load(folder / "recipe.yaml", [f"compute.data_engine={engine}"]), folder / engine)
print(len([node for node in ray.nodes() if node["Alive"]]), "nodes")
try:
    prepared(load(folder / "bad.yaml", ["compute.data_engine=ray"]), folder)
except Exception as error:
    print(type(error).__name__, str(error).splitlines()[0])
ray.shutdown()
cluster.shutdown()
"""
RECIPE = """\
resep: 1
name: trial
model: {base: smollm2-135m-instruct}
data: {sources: [{path: rows.jsonl, fields: {category: category}}]}
preprocessing: [placeholders, lowercase, strip_punctuation, deduplicate, {filter_length: {minimum: 5}}]
split: {stratify_by: category}
evaluation: {primary: exact_match, evaluators: {exact_match: {}}}
"""


def test_a_cluster_gives_the_same_bytes_as_one_machine_and_the_same_mistakes(tmp_path: Path) -> None:
    rows = [
        {
            "prompt": f"How? {n % 300} “é” me{n % 9}@x.org",
            "response": ["Do it.", f"Say {n % 300}."],
            "category": f"c{n % 3}",
        }
        for n in range(400)
    ]
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    (tmp_path / "torn.jsonl").write_text('{"prompt": "torn\\n')
    (tmp_path / "bad.yaml").write_text(RECIPE.replace("rows.jsonl", "torn.jsonl"))
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IN_A_CLUSTER, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[0] == "2 nodes"
    assert done.stdout.splitlines()[1].startswith("ResepError torn.jsonl:1:")
    made = {file.name: file.read_bytes() for file in (tmp_path / "ray" / "out").iterdir()}
    assert made == {file.name: file.read_bytes() for file in (tmp_path / "local" / "out").iterdir()}
    assert len(made["ledger.jsonl"].splitlines()) == 400
