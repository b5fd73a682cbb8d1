"""Bundles: what is in one, what never is, how a stranger's is opened, and that a run can be repeated from one."""

import gzip
import io
import json
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from resep import cli
from resep.bundle.pack import pack
from resep.bundle.private import findings
from resep.bundle.unpack import open_bundle
from resep.document.writer import dump_yaml
from resep.errors import ResepError
from resep.recipe import load
from resep.repeatable import resolved, write_repeatable
from tests.test_run import _command, _results, kitchen  # noqa: F401 - a fixture

Captured = pytest.CaptureFixture[str]

RECIPE = """
resep: 1
name: small
model: {base: smollm2-135m-instruct}
data: {sources: [{path: data/rows.jsonl}]}
preprocessing: [placeholders, shout]
prompt: {chat_template: mine.jinja}
evaluation: {primary: exact_match, evaluators: {exact_match: {}}}
"""
ROWS = "".join(json.dumps({"prompt": f"how do i do {n}", "response": [f"do {n}"]}) + "\n" for n in range(40))
SHOUT = '"""Shout."""\n\n\ndef transform_text(text: str) -> str:\n    return text.upper()\n'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, a home and a cache of their own."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(tmp_path / "home-of-budi"))
    monkeypatch.setenv("RESEP_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a finished run, as far as a bundle reads it."""
    home = tmp_path / "project"
    for name, text in {
        "recipe.yaml": RECIPE,
        "data/rows.jsonl": ROWS,
        "mine.jinja": "{{ messages[0].content }}",
        "preprocessing/shout.py": SHOUT,
    }.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
    folder = tmp_path / "runs" / "small" / "0123456789ab"
    write_repeatable(load(home / "recipe.yaml"), folder / "recipe")
    for name, text in {
        "report.html": "<html><style>a{}</style><p>Tuning helped.</p></html>",
        "report.md": "# small\n",
        "results.json": '{"verdict": {"text": "Tuning helped."}}',
        "axolotl.yaml": "base_model: model\n",
        "recipe.lock.yaml": "recipe:\n  name: small\n",
        "ledger.jsonl": '{"id":"8d09","file":"data/rows.jsonl","line":1,"status":"kept"}\n',
        "samples.jsonl": '{"id":"8d09","output":"DO 1"}\n',
        "scores.jsonl": '{"id":"8d09"}\n',
        "ratings.json": '{"sheet": "ab12"}\n',
        "logs/train.txt": "/home/budi/secret\n",
        "adapter/adapter_config.json": '{"r": 16}',
        "adapter/README.md": "# small\n",
        "adapter/preprocessing/shout.py": SHOUT,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "adapter" / "adapter_model.safetensors").write_bytes(b"\0" * 100)
    return folder


def _members(archive: Path) -> dict[str, str]:
    with tarfile.open(archive) as opened:
        entries = [(entry, opened.extractfile(entry)) for entry in opened]
        return {entry.name.partition("/")[2]: body.read().decode() for entry, body in entries if body}


ALWAYS = {
    "recipe.yaml",
    "inputs.json",
    "templates/mine.jinja",
    "preprocessing/shout.py",
    "recipe.lock.yaml",
    "report.html",
    "report.md",
    "results.json",
    "axolotl.yaml",
    "ledger.jsonl",
}


def test_a_bundle_holds_the_recipe_and_the_proof_and_neither_rows_nor_logs(run: Path, here: Path) -> None:
    pack(run, here / "b.tar.gz", samples=False, adapter=False)
    members = _members(here / "b.tar.gz")
    assert set(members) == ALWAYS
    assert "how do i do" not in "".join(members.values())


def test_samples_and_adapter_come_only_where_asked_for(run: Path, here: Path) -> None:
    names = pack(run, here / "b.tar.gz", samples=True, adapter=True)
    names_of_adapter = ("adapter_config.json", "adapter_model.safetensors", "README.md", "preprocessing/shout.py")
    adapter = {f"adapter/{name}" for name in names_of_adapter}
    assert set(names) == ALWAYS | {"samples.jsonl", "scores.jsonl", "ratings.json"} | adapter


def test_the_same_run_gives_the_same_bytes(run: Path, here: Path, tmp_path: Path) -> None:
    pack(run, here / "one.tar.gz", samples=False, adapter=True)
    elsewhere = tmp_path / "elsewhere" / "small" / run.name
    shutil.copytree(run, elsewhere)
    pack(elsewhere, here / "two.tar.gz", samples=False, adapter=True)
    assert (here / "one.tar.gz").read_bytes() == (here / "two.tar.gz").read_bytes()


def test_the_command_says_what_went_in(run: Path, capsys: Captured) -> None:
    assert cli.main(["bundle", str(run), "--adapter"]) == 0
    shown = capsys.readouterr().out
    assert "small-0123456789ab.tar.gz" in shown
    assert "adapter/adapter_model.safetensors" in shown
    assert "no training row, log, or path of this machine" in shown


def test_a_folder_that_is_no_run_is_refused(here: Path, capsys: Captured) -> None:
    assert cli.main(["bundle", str(here)]) == 2
    assert "is not the folder of a finished run" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("email", "mail budi@example.co.id now"),
        ("phone", "call +62 812-3456-7890"),
        ("card", "4111 1111 1111 1111"),
        ("ip", "from 192.168.1.20"),
        ("secret", "hf_" + "a1B2" * 9),
        ("secret", "AKIA" + "ABCDEFGH12345678"),
        ("secret", "sk-proj-" + "a1b2c3" * 5),
        ("secret", "-----BEGIN RSA PRIVATE KEY-----"),
        ("secret", "https://user:hunter22@localhost/x"),
        ("secret", 'api_key: "a1b2c3d4e5f6g7h8"'),
    ],
)
def test_what_looks_private_is_refused_without_being_shown(
    kind: str, text: str, run: Path, here: Path, capsys: Captured
) -> None:
    (run / "report.md").write_text(f"# small\n{text}\n")
    assert cli.main(["bundle", str(run)]) == 2
    shown = capsys.readouterr().err
    assert "nothing was written" in shown
    assert f"{kind}: 1 in report.md" in shown
    assert text not in shown
    assert not list(here.glob("*.gz*"))
    assert cli.main(["bundle", str(run), "--allow", kind]) == 0


def test_the_values_of_the_environment_and_the_paths_of_this_person_are_found(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "correct horse battery")
    (run / "report.md").write_text(f"correct horse battery\n{tmp_path}/home-of-budi/data\n")
    assert cli.main(["bundle", str(run)]) == 2
    shown = capsys.readouterr().err
    assert "secret: 1 in report.md" in shown
    assert "path: 1 in report.md" in shown


@pytest.mark.parametrize(
    ("name", "text", "kinds"),
    [
        ("a.json", '{"id": "budi@example.com", "loss": 4111111111111111}', ["email"]),
        ("a.jsonl", '{"id": "1"}\n{"budi@example.com": 1}\n', ["email"]),
        ("a.html", "<style>budi@example.com</style><p title='budi@example.com'>x</p><p>+62 812-3456-7890</p>", None),
        (
            "a.yaml",
            "learning_rate: 0.0002\nsha256: 6c2b54fa17d34f4872cf7199c49fb02989ba82d54c584a66edf9345d261a7408",
            [],
        ),
        ("a.yaml", "eos_token: </s>\npad_token: <|endoftext|>\nspecial_tokens: {unk_token: <unk>}", []),
        ("a.md", "accelerate 1.13.0, transformers 5.16.1, 2.13.0+cpu, p < 0.001, 0.312 to 0.462, 51 rows", []),
    ],
)
def test_each_kind_of_file_is_read_for_what_people_read_in_it(name: str, text: str, kinds: list[str] | None) -> None:
    found = [finding.kind for finding in findings(name, text)]
    assert found == (["email", "phone"] if kinds is None else kinds)


def test_paths_typed_for_this_machine_get_names_of_their_own(tmp_path: Path, here: Path, run: Path) -> None:
    project = tmp_path / "project"
    rows = tmp_path / "home-of-budi" / "rows.jsonl"
    rows.parent.mkdir()
    rows.write_text(ROWS)
    recipe = load(project / "recipe.yaml", [f"data.sources[0].path={rows}"])
    write_repeatable(recipe, run / "recipe")
    (run / "recipe.lock.yaml").write_text(dump_yaml({"recipe": recipe.data}))
    (run / "ledger.jsonl").write_text(json.dumps({"id": "8d09", "file": str(rows), "line": 1}) + "\n")
    pack(run, here / "b.tar.gz", samples=False, adapter=False)
    members = _members(here / "b.tar.gz")
    assert "budi" not in "".join(members.values())
    assert "data/0-rows.jsonl" in members["recipe.yaml"]
    assert "data/0-rows.jsonl" in members["ledger.jsonl"]


def test_sources_are_found_under_their_new_names_in_split_files_too(tmp_path: Path, run: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(ROWS)
    mine = tmp_path / "project" / "data" / "rows.jsonl"
    overrides = [f"data.sources=[{{path: {mine}}}, {{path: {rows}}}]", f"split.files={{test: [{rows}]}}"]
    write_repeatable(load(tmp_path / "project" / "recipe.yaml", overrides), run / "recipe")
    assert load(run / "recipe" / "recipe.yaml")["split.files.test"] == ["data/1-rows.jsonl"]


@pytest.mark.parametrize(
    "overrides",
    [
        [],
        ["training.max_steps=7"],
        ["training.method=lora", "training.lora.r=8"],
        ["generation.do_sample=true", "generation.temperature=0.5"],
        ["prompt.system='costs ${5}'", "seed=7"],
        ["split.files={test: data/rows.jsonl}", "split.fractions={validation: 0.1}"],
        ["data.sources[0].fields={kind: k}", "split.stratify_by=kind", "split.stratify=exact"],
        ["data.sources[0].fields={kind: k}", "data.sources[0].answer=[kind]"],
        ["data.sources[0].lookup={path: data/table.csv, by: {k: label}}"],
    ],
)
def test_a_resolved_recipe_says_the_same_when_it_is_loaded(run: Path, tmp_path: Path, overrides: list[str]) -> None:
    assert run.is_dir()
    recipe = load(tmp_path / "project" / "recipe.yaml", overrides)
    (tmp_path / "project" / "again.yaml").write_text(dump_yaml(resolved(recipe)), encoding="utf-8")
    assert load(tmp_path / "project" / "again.yaml").data == recipe.data


def _bundle(run: Path, here: Path) -> Path:
    pack(run, here / "b.tar.gz", samples=False, adapter=False)
    return here / "b.tar.gz"


def test_a_bundle_runs_over_data_under_the_current_folder(run: Path, here: Path, capsys: Captured) -> None:
    bundle = _bundle(run, here)
    assert cli.main(["run", str(bundle), "--until", "prepare"]) == 2
    shown = capsys.readouterr().err
    assert "brings no data; put it under the current folder" in shown
    assert "data/rows.jsonl (sha256 " in shown

    (here / "data").mkdir()
    (here / "data" / "rows.jsonl").write_text(ROWS)
    assert cli.main(["run", str(bundle), "--until", "prepare"]) == 2
    assert "brings code of its own" in capsys.readouterr().err  # a bundle's plug-ins are a stranger's

    opened = open_bundle(bundle)
    trust = ["--trust", str(opened.folder / "preprocessing" / "shout.py")]
    assert cli.main(["run", str(bundle), "--until", "prepare", *trust]) == 0
    assert "will differ" not in capsys.readouterr().err
    (train,) = here.glob("runs/.store/prepare/*/train.jsonl")
    assert "HOW DO I DO" in train.read_text()


def test_other_data_than_the_runs_is_told(run: Path, here: Path, capsys: Captured) -> None:
    bundle = _bundle(run, here)
    (here / "other.jsonl").write_text(ROWS.replace("how", "why"))
    arguments = ["plan", str(bundle), "--set", "data.sources[0].path=other.jsonl"]
    assert cli.main(arguments) == 0
    assert "other.jsonl is not what the run was made from" in capsys.readouterr().err


def test_a_bundle_that_was_opened_before_is_not_unpacked_again(run: Path, here: Path) -> None:
    bundle = _bundle(run, here)
    marked = open_bundle(bundle).folder / "marked"
    marked.touch()
    assert open_bundle(bundle).folder == marked.parent
    assert marked.exists()


Change = Callable[[tarfile.TarInfo], None]


def _archive(path: Path, *entries: tarfile.TarInfo, content: bytes = b"x") -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for entry in entries:
            entry.size = len(content) if entry.isreg() else 0
            archive.addfile(entry, io.BytesIO(content) if entry.isreg() else None)
    return path


def _entry(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


@pytest.mark.parametrize(
    "entry",
    [
        _entry("/etc/recipe.yaml"),
        _entry("../recipe.yaml"),
        _entry("top/../recipe.yaml"),
        _entry("top/../../recipe.yaml"),
        _entry("top/adapter/../../x.json"),
        _entry("top/evaluators/../../../x.py"),
        _entry("top/.bashrc"),
        _entry("top/evaluators/x.so"),
        _entry("top/evaluators/__init__.py"),
        _entry("top/sub/recipe.yaml"),
        _entry("recipe.yaml"),
        _entry("top/recipe.yaml", tarfile.SYMTYPE, "/etc/passwd"),
        _entry("top/recipe.yaml", tarfile.LNKTYPE, "top/report.md"),
        _entry("top/evaluators", tarfile.SYMTYPE, "/tmp"),
        _entry("top/recipe.yaml", tarfile.FIFOTYPE),
        _entry("top/recipe.yaml", tarfile.CHRTYPE),
        _entry("top", tarfile.DIRTYPE),
    ],
    ids=lambda entry: f"{entry.name}-{entry.type.decode()}",
)
def test_a_bundle_writes_nothing_but_its_own_files(entry: tarfile.TarInfo, here: Path, tmp_path: Path) -> None:
    before = {path for path in tmp_path.rglob("*") if "cache" not in path.parts}
    archive = _archive(here / "evil.tar.gz", entry)
    with pytest.raises(ResepError, match="the bundle holds"):
        open_bundle(archive)
    assert {path for path in tmp_path.rglob("*") if "cache" not in path.parts} == before | {archive}
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_a_name_that_comes_twice_is_refused(here: Path) -> None:
    with pytest.raises(ResepError, match="is not a bundle that can be read"):
        open_bundle(_archive(here / "twice.tar.gz", _entry("top/report.md"), _entry("top/report.md")))


def test_an_archive_that_unfolds_into_gigabytes_is_refused(here: Path) -> None:
    header = _entry("top/report.md")
    header.size = 40 * 1024**3
    with gzip.open(here / "bomb.tar.gz", "wb") as file:
        file.write(header.tobuf())
    with pytest.raises(ResepError, match="holds more than a bundle does"):
        open_bundle(here / "bomb.tar.gz")


def test_a_header_that_claims_to_be_gigabytes_long_is_not_read(here: Path) -> None:
    header = _entry("top/PaxHeader", tarfile.XHDTYPE)
    header.size = 4 * 1024**3
    with gzip.open(here / "bomb.tar.gz", "wb") as file:
        file.write(header.tobuf())
    with pytest.raises(ResepError, match="header of"):
        open_bundle(here / "bomb.tar.gz")


@pytest.mark.parametrize(
    "content", [b"", b"no archive", gzip.compress(b"no tar", mtime=0), gzip.compress(b"x" * 5000, mtime=0)[:60]]
)
def test_what_is_no_archive_is_told(content: bytes, here: Path, capsys: Captured) -> None:
    (here / "broken.tar.gz").write_bytes(content)
    assert cli.main(["run", "broken.tar.gz"]) == 2
    assert "broken.tar.gz" in capsys.readouterr().err


@pytest.mark.slow
def test_a_real_run_is_bundled_and_repeated_elsewhere(kitchen: Path, here: Path) -> None:  # noqa: F811
    """The same rows, the same model, another folder: the same numbers, from what the bundle says alone."""
    first = subprocess.run(_command("run", "recipe.yaml"), cwd=kitchen, capture_output=True, text=True, check=False)
    assert first.returncode == 0, first.stderr
    made = subprocess.run(
        _command("bundle", "tiny", "--adapter", "--out", str(here / "tiny.tar.gz")),
        cwd=kitchen,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    texts = "".join(text for name, text in _members_as_text(here / "tiny.tar.gz").items() if name != "adapter")
    assert str(kitchen) not in texts
    shutil.copy(kitchen / "rows.jsonl", here)
    shutil.copytree(kitchen / "model", here / "model")
    again = subprocess.run(_command("run", "tiny.tar.gz"), cwd=here, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    assert "will differ" not in again.stderr
    ours, theirs = _results(here), _results(kitchen)
    assert ours["metrics"] == theirs["metrics"]
    assert ours["run_id"] == theirs["run_id"]


def _members_as_text(archive: Path) -> dict[str, str]:
    with tarfile.open(archive) as opened:
        entries = [(entry, opened.extractfile(entry)) for entry in opened]
        return {entry.name: body.read().decode("utf-8", "replace") for entry, body in entries if body}
