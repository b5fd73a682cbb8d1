"""The house keeps its rules: imports point one way, checking stays light, plug-ins need nothing but `resep`."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "resep"
LAYERS = ("store", "recipe", "stages", "pipeline", "commands", "cli")  # each may import those before it, never after
PLUGINS = ("preprocessing", "converters", "evaluators")
CHILDREN_ONLY = {"torch", "transformers", "datasets", "axolotl", "sklearn", "pandas"}
HEAVY = CHILDREN_ONLY | {"tokenizers", "pyarrow", "numpy", "jinja2", "rich"}


def _modules() -> list[Path]:
    found = sorted(PACKAGE.rglob("*.py"))
    assert len(found) > 50
    return found


def _imports(file: Path) -> Iterator[str]:
    """Every module that a file imports when it runs, wherever the import stands; not those for types only."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    typing_only = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _layer(name: str) -> int:
    part = name.split(".")[1] if name.count(".") else ""
    return LAYERS.index(part) if part in LAYERS else -1


@pytest.mark.parametrize("file", _modules(), ids=lambda file: file.relative_to(PACKAGE).as_posix())
def test_imports_point_one_way(file: Path) -> None:
    own = _layer("resep." + file.relative_to(PACKAGE).with_suffix("").parts[0])
    later = [name for name in _imports(file) if name.startswith("resep.") and _layer(name) > own >= 0]
    assert not later


def test_no_package_defines_a_name_that_a_module_of_it_would_take_over() -> None:
    """`from package import name` gives the function, until someone imports the module of that name."""
    for file in PACKAGE.rglob("__init__.py"):
        modules = {path.stem for path in file.parent.iterdir()} - {"__init__"}
        defined = {
            node.name for node in ast.parse(file.read_text()).body if isinstance(node, ast.FunctionDef | ast.ClassDef)
        }
        assert not modules & defined, file


def test_the_store_imports_only_errors_digests_and_reasons() -> None:
    imported = {name.split(".")[1] for name in _imports(PACKAGE / "store.py") if name.startswith("resep.")}
    assert imported == {"errors", "digests", "reasons"}


def test_the_records_and_errors_import_nothing_of_ours() -> None:
    for name in ("records.py", "errors.py", "placeholders.py"):
        assert not [module for module in _imports(PACKAGE / name) if module.startswith("resep")], name


def test_checking_a_recipe_imports_nothing_heavy() -> None:
    code = (
        "import sys; from resep.cli import main; code = main(['check', 'recipes/quickstart.yaml']);"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not HEAVY & {*done.stderr.split()}


def test_the_runners_process_never_imports_what_belongs_in_a_child() -> None:
    code = (
        "import sys; import resep.pipeline, resep.runs, resep.terminal, resep.stages.report.page;"
        "import resep.stages.tokenise.write, resep.stages.report.collect;"
        "import resep.run_comparison, resep.verification; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not CHILDREN_ONLY & {name.partition(".")[0] for name in done.stdout.split()}


def test_plug_ins_reach_into_no_stage_and_no_other_plug_in() -> None:
    plugins = [file for folder in PLUGINS for file in (ROOT / folder).glob("*.py")]
    assert len(plugins) >= 9
    for plugin in plugins:
        roots = {".".join(name.split(".")[:2]) for name in _imports(plugin)}
        assert not roots & {"resep.stages", "resep.store", "resep.pipeline", "resep.commands", *PLUGINS}, plugin.name


def test_no_plug_in_folder_is_a_package() -> None:
    for folder in PLUGINS:
        assert not (ROOT / folder / "__init__.py").exists()
