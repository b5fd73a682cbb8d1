"""Parents in other repositories: one commit each, fetched only when asked to, read from the cache afterwards.

No network: git's own `url.<base>.insteadOf` leads an https address to a repository on this disk, and a folder in the
layout of the hub's cache stands for the hub.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from resep import cli
from resep.document import parse
from resep.errors import Problem, RecipeError, ResepError
from resep.problems import format_problems
from resep.recipe import Recipe, load
from resep.recipe.fetch import fetch
from resep.recipe.lock import locked_parents
from resep.recipe.remote import checkout_of, parse_remote
from tests.conftest import Golden
from tests.test_extends import PARENT, write

URL = "https://git.example.org/team/recipes"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "recipe.yaml": "extends: shared/base.yaml\nname: theirs\n",
    "shared/base.yaml": PARENT.replace("length: {}", "polite: {}"),
    "shared/rows.jsonl": '{"prompt": "a", "response": "b"}\n',
    "shared/evaluators/polite.py": "METRICS = ()\ndef evaluate(samples, context): ...\n",
}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Our cache, the hub's cache and git's settings in a folder of their own."""
    monkeypatch.setenv("RESEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = {f"url.file://{tmp_path}/origin.insteadOf": URL}
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(len(settings)))
    for index, (key, value) in enumerate(settings.items()):
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{index}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{index}", value)
    return tmp_path / "cache" / "recipes"


def git(folder: Path, *arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(folder: Path, files: Mapping[str, str]) -> str:
    """The files as a commit of the repository in the folder, which is made if it is not there."""
    write(folder, files)
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=x")
    return git(folder, "rev-parse", "HEAD")


def child(folder: Path, parent: str, text: str = "") -> Path:
    return write(folder / "mine", {"recipe.yaml": f"extends: {parent}\n{text}"})


def problems(path: Path) -> list[Problem]:
    with pytest.raises(RecipeError) as caught:
        load(path)
    return list(caught.value.problems)


def fetched(folder: Path, files: Mapping[str, str] = FILES, text: str = "") -> Recipe:
    name = f"git+{URL}@{commit(folder / 'origin', files)}#recipe.yaml"
    return load(child(folder, name, text), fetch=fetch)


def test_a_parent_in_git_is_fetched_once_and_read_from_the_cache_afterwards(tmp_path: Path, cache: Path) -> None:
    recipe = fetched(tmp_path, text="name: mine\n")
    assert (recipe["name"], recipe["training.learning_rate"]) == ("mine", 0.001)
    (checkout,) = cache.iterdir()
    assert checkout.name == git(tmp_path / "origin", "rev-parse", "HEAD")
    (tmp_path / "origin").rename(tmp_path / "gone")
    again = load(tmp_path / "mine" / "recipe.yaml")
    assert again.data == recipe.data
    assert str(again.origin("training.learning_rate")) == f"git+{URL}@{checkout.name[:12]}#shared/base.yaml:8"


def test_the_commit_is_meant_and_not_what_came_after_it(tmp_path: Path, cache: Path) -> None:
    first = commit(tmp_path / "origin", FILES)
    commit(tmp_path / "origin", {"shared/base.yaml": "this: is wrong\n"})
    recipe = load(child(tmp_path, f"git+{URL}@{first}#recipe.yaml"), fetch=fetch)
    assert recipe["name"] == "theirs"
    assert len(list(cache.iterdir())) == 1


def test_nothing_is_fetched_by_itself(tmp_path: Path, cache: Path) -> None:
    path = child(tmp_path, f"git+{URL}@{commit(tmp_path / 'origin', FILES)}#recipe.yaml")
    (found,) = problems(path)
    assert "--fetch" in found.message
    assert URL in found.message
    assert not cache.exists()


def test_the_command_says_what_it_fetches_before_it_does(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {name: text.replace("polite: {}", "length: {}") for name, text in FILES.items()}
    path = child(tmp_path, f"git+{URL}@{commit(tmp_path / 'origin', files)}#recipe.yaml")
    monkeypatch.chdir(tmp_path)
    assert cli.main(["check", str(path)]) == 2
    assert "--fetch" in capsys.readouterr().err
    assert cli.main(["plan", str(path), "--fetch"]) == 0
    assert capsys.readouterr().err.startswith(f"Fetching git+{URL}@")
    assert cli.main(["check", str(path)]) == 0
    assert cache.exists()


def test_paths_and_plug_ins_of_a_remote_parent_lie_in_its_checkout(tmp_path: Path, cache: Path) -> None:
    recipe = fetched(tmp_path)
    (checkout,) = cache.iterdir()
    assert recipe.locate("data.sources[0].path") == checkout / "shared" / "rows.jsonl"
    assert recipe.foreign_plugins == (checkout / "shared/evaluators/polite.py",)


@pytest.mark.parametrize("path", ["../../rows.jsonl", "/etc/rows.jsonl", "~/rows.jsonl"])
def test_a_remote_parent_names_nothing_outside_of_its_checkout(path: str, tmp_path: Path, cache: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        fetched(tmp_path, FILES | {"shared/base.yaml": PARENT.replace("rows.jsonl", path)})
    (found,) = caught.value.problems
    assert found.file.startswith(f"git+{URL}@")
    assert cache.exists()


def test_a_remote_parent_names_no_plug_in_beside_its_child(tmp_path: Path, cache: Path) -> None:
    write(tmp_path / "mine", {"evaluators/mine.py": "METRICS = ()\ndef evaluate(samples, context): ...\n"})
    with pytest.raises(RecipeError, match="no evaluator 'mine'"):
        fetched(tmp_path, FILES | {"shared/base.yaml": PARENT.replace("length", "mine")})
    assert cache.exists()


def test_links_hooks_filters_and_submodules_of_a_repository_take_no_effect(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin, mark = tmp_path / "origin", tmp_path / "mark"
    commit(origin, FILES | {".gitattributes": "* filter=evil eol=crlf\n", ".gitmodules": "[submodule 'x']\n"})
    (origin / "secret.yaml").symlink_to("/etc/passwd")
    hooks = tmp_path / "template" / "hooks"
    hooks.mkdir(parents=True)
    for hook in ("post-checkout", "reference-transaction"):
        (hooks / hook).write_text(f"#!/bin/sh\ntouch {mark}\n")
        (hooks / hook).chmod(0o755)
    own = {
        "filter.evil.smudge": f"touch {mark}",
        "init.templateDir": str(tmp_path / "template"),
        "core.hooksPath": str(hooks),
    }
    for number, (key, value) in enumerate(own.items(), 1):  # after the one that the fixture has set
        monkeypatch.setenv(f"GIT_CONFIG_KEY_{number}", key)
        monkeypatch.setenv(f"GIT_CONFIG_VALUE_{number}", value)
    monkeypatch.setenv("GIT_CONFIG_COUNT", str(1 + len(own)))
    last = commit(origin, {"last.yaml": "seed: 1"})
    mark.unlink()  # the person's own git has run them
    load(child(tmp_path, f"git+{URL}@{last}#recipe.yaml"), fetch=fetch)
    (checkout,) = cache.iterdir()
    assert not mark.exists()
    assert not (checkout / "secret.yaml").exists()
    assert (checkout / "recipe.yaml").read_text() == FILES["recipe.yaml"]


def test_a_repository_that_is_too_large_is_refused(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resep.recipe.fetch.MOST_BYTES", 100)
    with pytest.raises(RecipeError, match="bytes"):
        fetched(tmp_path)
    assert list(cache.iterdir()) == []


def test_a_commit_that_the_repository_lacks_is_explained_and_leaves_nothing(tmp_path: Path, cache: Path) -> None:
    commit(tmp_path / "origin", FILES)
    with pytest.raises(RecipeError, match=f"has no commit {COMMIT}"):
        load(child(tmp_path, f"git+{URL}@{COMMIT}#recipe.yaml"), fetch=fetch)
    assert list(cache.iterdir()) == []


def test_a_tree_is_not_taken_for_a_commit(tmp_path: Path, cache: Path) -> None:
    commit(tmp_path / "origin", FILES)
    tree = git(tmp_path / "origin", "rev-parse", "HEAD^{tree}")
    with pytest.raises(ResepError):
        load(child(tmp_path, f"git+{URL}@{tree}#recipe.yaml"), fetch=fetch)
    assert list(cache.iterdir()) == []


def test_without_git_the_reason_is_told(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = child(tmp_path, f"git+{URL}@{COMMIT}#recipe.yaml")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RecipeError, match="git is not installed"):
        load(path, fetch=fetch)
    assert not (cache / COMMIT).exists()


def hub(folder: Path, files: Mapping[str, str]) -> None:
    """A repository as the hub's library keeps it: links into a folder of contents."""
    repository = folder / "hf" / "hub" / "models--team--recipes"
    for number, (name, text) in enumerate(files.items()):
        blob, link = repository / "blobs" / str(number), repository / "snapshots" / COMMIT / name
        for each in (blob, link):
            each.parent.mkdir(parents=True, exist_ok=True)
        blob.write_text(text)
        link.symlink_to(os.path.relpath(blob, link.parent))


def test_a_parent_on_the_hub_is_read_from_the_hubs_own_cache(tmp_path: Path, cache: Path) -> None:
    hub(tmp_path, FILES)
    recipe = load(child(tmp_path, f"hub:team/recipes@{COMMIT}", "name: mine\n"))
    assert recipe["name"] == "mine"
    assert str(recipe.origin("training.learning_rate")) == f"hub:team/recipes@{COMMIT[:12]}#shared/base.yaml:8"
    assert recipe.locate("data.sources[0].path").read_text() == FILES["shared/rows.jsonl"]
    assert not cache.exists()


def test_a_parent_on_the_hub_is_fetched_by_the_hubs_library_in_a_child(tmp_path: Path, cache: Path) -> None:
    pytest.importorskip("huggingface_hub")
    hub(tmp_path, {"other.yaml": PARENT})
    path = child(tmp_path, f"hub:team/recipes@{COMMIT}")
    with pytest.raises(RecipeError, match="there is no file 'hub:team/recipes"):
        load(path, fetch=fetch)  # the library finds the commit in its cache, without this file
    with pytest.raises(RecipeError, match="not in the hub's cache"):
        load(child(tmp_path, f"hub:team/nothing@{COMMIT}"), fetch=fetch)
    assert not cache.exists()


def test_a_link_in_the_hubs_cache_leads_no_further_than_its_repository(tmp_path: Path, cache: Path) -> None:
    hub(tmp_path, {"recipe.yaml": PARENT})
    snapshot = tmp_path / "hf/hub/models--team--recipes/snapshots" / COMMIT
    (snapshot / "evil.yaml").symlink_to("/etc/passwd")
    (found,) = problems(child(tmp_path, f"hub:team/recipes@{COMMIT}#evil.yaml"))
    assert "through a link" in found.message
    assert not cache.exists()


def test_a_lock_beside_the_recipe_holds_the_content_of_its_parents(tmp_path: Path, cache: Path) -> None:
    hub(tmp_path, {"recipe.yaml": PARENT})
    path = child(tmp_path, f"hub:team/recipes@{COMMIT}")
    locked = locked_parents(load(path).files)
    (name,) = locked
    assert name == f"hub:team/recipes@{COMMIT}#recipe.yaml"
    lock = tmp_path / "mine" / "recipe.lock.yaml"
    lock.write_text(f"recipe: {{}}\nextends:\n  {name}: {locked[name]}\n")
    assert load(path).warnings == ()
    (tmp_path / "hf/hub/models--team--recipes/blobs/0").write_text(PARENT.replace("1e-3", "1e-2"))
    (found,) = problems(path)
    assert (found.file, found.line) == (str(lock), 3)
    lock.write_text("recipe: [\n")
    assert problems(path)[0].file == str(lock)
    lock.unlink()
    assert load(path)["training.learning_rate"] == 0.01
    assert not cache.exists()


def test_a_name_means_what_it_says() -> None:
    remote = parse_remote(f"git+https://host.org:8443/a/b.git@{COMMIT.upper()}#x/../y.yaml")
    assert (remote.kind, remote.source, remote.commit, remote.path) == (
        "git",
        "https://host.org:8443/a/b.git",
        COMMIT,
        "y.yaml",
    )
    assert parse_remote(f"hub:a/b@{COMMIT}").path == "recipe.yaml"
    assert parse_remote(remote.name) == remote


def test_the_same_commit_is_kept_once_whatever_it_is_called(cache: Path) -> None:
    one, two = (parse_remote(f"git+https://{host}/r@{COMMIT}") for host in ("a.org", "b.org"))
    assert checkout_of(one) == checkout_of(two)
    assert checkout_of(one).folder == cache / COMMIT


NAMES = {
    "hub_without_a_commit": "hub:team/recipes",
    "hub_with_a_branch": "hub:team/recipes@main",
    "hub_with_a_short_hash": "hub:team/recipes@0123abc#recipe.yaml",
    "hub_that_is_no_repository": f"hub:recipes@{COMMIT}",
    "hub_not_fetched_yet": f"hub:team/recipes@{COMMIT}",
    "git_without_a_commit": "git+https://host.org/team/recipes",
    "git_with_a_tag": "git+https://host.org/team/recipes@v1.2#recipe.yaml",
    "git_over_ssh": f"git+ssh://git@host.org/team/recipes@{COMMIT}",
    "git_with_a_password": f"git+https://me:secret@host.org/team/recipes@{COMMIT}",
    "git_with_an_option": f"git+--upload-pack=touch@{COMMIT}",
    "git_out_of_the_repository": f"git+https://host.org/team/recipes@{COMMIT}#../recipe.yaml",
    "git_not_fetched_yet": f"git+https://host.org/team/recipes@{COMMIT}#recipe.yaml",
    "no_recipe": f"git+https://host.org/team/recipes@{COMMIT}#setup.py",
}


@pytest.mark.parametrize("name", NAMES)
def test_the_error_screen_of_a_remote_name(name: str, tmp_path: Path, cache: Path, golden: Golden) -> None:
    screen = format_problems(problems(child(tmp_path, f"'{NAMES[name]}'"))).replace(f"{tmp_path}/mine/", "")
    golden(f"remote/{name}.txt", screen + "\n")
    assert not cache.exists()


def test_the_lock_of_a_run_reads_back(tmp_path: Path, cache: Path) -> None:
    from resep.document.writer import dump_yaml

    hub(tmp_path, {"recipe.yaml": PARENT})
    locked = locked_parents(load(child(tmp_path, f"hub:team/recipes@{COMMIT}")).files)
    assert parse(dump_yaml({"extends": locked}), "lock").data == {"extends": locked}
    assert not cache.exists()
