"""The parts of BERTScore that need no encoder: matching, windows, batches, the cache, what the library publishes."""

from __future__ import annotations

import math
import multiprocessing
import os
import stat
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from resep.bertscore.cache import SIZE_VARIABLE, VectorCache, open_cache
from resep.bertscore.matching import match
from resep.bertscore.published import baseline, recommended_layer
from resep.bertscore.settings import Settings
from resep.bertscore.windows import windows
from resep.encoding.batches import batches
from resep.errors import ResepError

DIMENSION = 4
MUCH = 1 << 20

lengths = st.lists(st.integers(1, 9), min_size=1, max_size=12)


def text(tokens: int, seed: int) -> torch.Tensor:
    vectors = torch.randn(tokens, DIMENSION, generator=torch.Generator().manual_seed(seed))
    return vectors / vectors.norm(dim=-1, keepdim=True)


def one_by_one(
    left: torch.Tensor, left_weight: torch.Tensor, right: torch.Tensor, right_weight: torch.Tensor
) -> tuple[float, float]:
    """Precision and recall as the paper writes them, token by token; nothing below 0."""
    cosines = (left @ right.T).tolist()
    best_left = [max(0.0, *row) for row in cosines]
    best_right = [max(0.0, *column) for column in zip(*cosines, strict=True)]
    sides = ((best_left, left_weight.tolist()), (best_right, right_weight.tolist()))
    precision, recall = (sum(b * w for b, w in zip(best, weight, strict=True)) / sum(weight) for best, weight in sides)
    return precision, recall


@given(lengths, st.data())
def test_many_pairs_at_once_are_matched_as_each_alone(sizes: list[int], data: st.DataObject) -> None:
    texts = [text(size, seed) for seed, size in enumerate(sizes)]
    weights = [torch.rand(size, generator=torch.Generator().manual_seed(size)) + 0.1 for size in sizes]
    place = st.integers(0, len(sizes) - 1)
    pairs = data.draw(st.lists(st.tuples(place, place), min_size=1, max_size=20))
    for (one, other), found in zip(pairs, match(texts, weights, pairs).tolist(), strict=True):
        precision, recall = one_by_one(texts[one], weights[one], texts[other], weights[other])
        f1 = 2 * precision * recall / (precision + recall) if precision + recall else math.nan
        assert found == pytest.approx([precision, recall, f1], abs=1e-6, nan_ok=True)


def test_batches_of_matching_that_are_small_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [text(size, size) for size in range(1, 30)]
    weights = [torch.ones(len(one)) for one in texts]
    pairs = [(one, other) for one in range(29) for other in range(29)]
    whole = match(texts, weights, pairs)
    monkeypatch.setattr("resep.bertscore.matching._TOKENS", 40)
    monkeypatch.setattr("resep.bertscore.matching._CELLS", 100)
    assert torch.allclose(match(texts, weights, pairs), whole, atol=1e-6)


def test_a_token_that_is_like_nothing_counts_zero_and_not_less() -> None:
    east = torch.tensor([[1.0, 0.0]])
    assert match([east, -east], [torch.ones(1)] * 2, [(0, 1)])[0, :2].tolist() == [0, 0]


def test_a_text_whose_tokens_have_no_weight_has_no_mean() -> None:
    precision, recall, f1 = match([text(2, 0), text(3, 1)], [torch.zeros(2), torch.ones(3)], [(0, 1)])[0].tolist()
    assert math.isnan(precision)
    assert math.isnan(f1)
    assert not math.isnan(recall)


@given(lengths, st.integers(1, 30))
def test_batches_hold_every_text_once_and_no_more_than_fits(sizes: list[int], tokens: int) -> None:
    found = list(batches(sizes, tokens))
    assert sorted(position for batch in found for position in batch) == list(range(len(sizes)))
    for batch in found:
        assert len(batch) == 1 or len(batch) * max(sizes[position] for position in batch) <= tokens


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("uvwxyz")), max_size=30), st.integers(1, 20))
def test_windows_hold_every_pair_once_and_no_more_than_fits(pairs: Sequence[tuple[str, str]], limit: int) -> None:
    sizes = {name: size for size, name in enumerate("abcdefuvwxyz", 1)}
    found = list(windows(pairs, sizes, limit))
    assert sorted(at for window in found for at in window) == list(range(len(pairs)))
    for window in found:
        texts = {name for at in window for name in pairs[at]}
        assert len(window) == 1 or sum(sizes[name] for name in texts) <= limit


def test_the_arms_of_a_reference_stand_in_one_window() -> None:
    pairs = [("a", "x"), ("b", "y"), ("c", "x"), ("d", "y")]
    assert list(windows(pairs, dict.fromkeys("abcdxy", 1), 3)) == [[0, 2], [1, 3]]


def cache(folder: Path, max_bytes: int = MUCH) -> VectorCache:
    return VectorCache(folder / "encoder", DIMENSION, max_bytes)


def test_what_was_written_is_read_by_another(tmp_path: Path) -> None:
    vectors = {"open it": text(3, 0), "close it": text(5, 1)}
    cache(tmp_path).write(vectors)
    found = cache(tmp_path).read({"close it": 5, "open it": 3, "tap it": 2})
    assert found.keys() == vectors.keys()
    assert all(torch.equal(found[name], vectors[name]) for name in vectors)


def test_one_that_writes_first_still_finds_what_others_wrote(tmp_path: Path) -> None:
    cache(tmp_path).write({"open it": text(3, 0)})
    later = cache(tmp_path)
    later.write({"close it": text(5, 1)})
    assert later.read({"open it": 3, "close it": 5}).keys() == {"open it", "close it"}


def test_a_part_of_a_batch_is_kept_without_the_batch(tmp_path: Path) -> None:
    batch = text(1000, 0)
    cache(tmp_path).write({"a": batch[:2]})
    (file,) = (tmp_path / "encoder").iterdir()
    assert file.stat().st_size < 500


def test_vectors_of_another_number_of_tokens_are_not_taken(tmp_path: Path) -> None:
    cache(tmp_path).write({"open it": text(3, 0)})
    assert cache(tmp_path).read({"open it": 4}) == {}
    assert VectorCache(tmp_path / "encoder", DIMENSION + 1, MUCH).read({"open it": 3}) == {}


def test_cached_vectors_are_for_their_owner_alone(tmp_path: Path) -> None:
    cache(tmp_path / "embeddings").write({"a secret": text(3, 0)})
    (file,) = (tmp_path / "embeddings" / "encoder").iterdir()
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (file, file.parent, file.parent.parent)]
    assert modes == [0o600, 0o700, 0o700]
    assert b"secret" not in file.read_bytes() + file.name.encode()


def test_a_damaged_file_is_as_good_as_none(tmp_path: Path) -> None:
    cache(tmp_path).write({"open it": text(3, 0)})
    (file,) = (tmp_path / "encoder").iterdir()
    before = cache(tmp_path)
    assert before.read({"open it": 3})
    file.write_bytes(file.read_bytes()[:-5])
    assert before.read({"open it": 3}) == cache(tmp_path).read({"open it": 3}) == {}
    file.unlink()
    assert before.read({"open it": 3}) == {}


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "encoder").write_text("a file where the folder would be", encoding="utf-8")
    cache(tmp_path).write({"open it": text(3, 0)})
    assert cache(tmp_path).read({"open it": 3}) == {}


def test_what_was_not_used_for_longest_makes_room(tmp_path: Path) -> None:
    for hour, name in enumerate(("old", "used", "new")):
        before = set(tmp_path.rglob("*.safetensors"))
        cache(tmp_path).write({name: text(10, hour)})
        (file,) = set(tmp_path.rglob("*.safetensors")) - before
        os.utime(file, (3600 * hour, 3600 * hour))
    cache(tmp_path).read({"used": 10})
    cache(tmp_path, max_bytes=2 * file.stat().st_size).write({"newest": text(10, 9)})
    kept = [name for name in ("old", "used", "new", "newest") if cache(tmp_path).read({name: 10})]
    assert kept == ["used", "newest"]


def test_the_cache_stays_below_its_size(tmp_path: Path) -> None:
    for number in range(20):
        cache(tmp_path, max_bytes=1000).write({str(number): text(10, number)})
    assert sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()) <= 1000


def _fill(folder: Path, worker: int) -> None:
    for number in range(30):
        name = str(number % 10)
        found = cache(folder, max_bytes=2000).read({name: 5})
        assert all(torch.equal(vectors, text(5, int(name))) for name, vectors in found.items())
        cache(folder, max_bytes=2000).write({name: text(5, number % 10), f"worker {worker}": text(5, 99)})


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_processes_that_read_write_and_trim_at_once_see_whole_vectors(tmp_path: Path) -> None:
    started = [multiprocessing.get_context("spawn").Process(target=_fill, args=(tmp_path, n)) for n in range(2)]
    for process in started:
        process.start()
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [0, 0]
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and file.suffix != ".safetensors"]


@pytest.mark.parametrize(("given", "gib"), [("", 2), ("0.5GiB", 0.5), ("3", 3), ("off", 0), ("OFF", 0), ("0", 0)])
def test_a_person_says_how_large_the_cache_may_grow(monkeypatch: pytest.MonkeyPatch, given: str, gib: float) -> None:
    monkeypatch.setenv(SIZE_VARIABLE, given)
    assert open_cache("encoder|layer:6", DIMENSION).max_bytes == gib * 2**30


@pytest.mark.parametrize("given", ["some", "-1GiB", "nan", "inf", "2 TB"])
def test_a_size_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(SIZE_VARIABLE, given)
    with pytest.raises(ResepError, match="a size such as `2GiB`"):
        open_cache("encoder|layer:6", DIMENSION)


def test_a_cache_that_is_off_neither_reads_nor_writes(tmp_path: Path) -> None:
    cache(tmp_path).write({"a": text(2, 0)})
    files = sorted(tmp_path.rglob("*"))
    off = cache(tmp_path, max_bytes=0)
    off.write({"b": text(2, 1)})
    assert off.read({"a": 2}) == {}
    assert sorted(tmp_path.rglob("*")) == files


def test_every_identity_has_a_folder_of_its_own() -> None:
    folders = {open_cache(identity, DIMENSION).folder for identity in ("layer:5", "layer:6", "layer:6|dtype:bfloat16")}
    assert len(folders) == 3


def settings(encoder: str, layer: int = 17, rescale: str | None = None) -> Settings:
    return Settings(encoder, layer, idf=False, rescale=rescale, dtype="float32", batch_tokens=1024)


def test_a_baseline_is_the_one_that_the_library_ships() -> None:
    from importlib.util import find_spec

    origin = find_spec("bert_score")
    assert origin is not None
    table = Path(str(origin.origin)).parent / "rescale_baseline" / "en" / "roberta-large.tsv"
    (row,) = [line.split(",") for line in table.read_text().splitlines() if line.startswith("17,")]
    assert settings("FacebookAI/roberta-large@main", rescale="en").baseline() == tuple(map(float, row[1:]))
    assert settings("FacebookAI/roberta-large@main").baseline() is None
    assert settings("microsoft/deberta-xlarge-mnli@main", layer=40, rescale="en").baseline()


@pytest.mark.parametrize(
    ("encoder", "language", "layer", "words"),
    [
        ("all-minilm-l6-v2", "en", 6, "in no language: leave `rescale` out"),
        ("roberta-large", "zh", 17, "only in en"),
        ("roberta-large", "../en", 17, "only in en"),
        ("roberta-large", "en", 99, "layers 0 to 24, not 99"),
    ],
)
def test_a_baseline_that_there_is_not_is_told(encoder: str, language: str, layer: int, words: str) -> None:
    with pytest.raises(ResepError, match=words):
        baseline(encoder, language, layer)


def test_the_layer_of_published_numbers_is_advised() -> None:
    assert recommended_layer("roberta-large") == 17
    assert recommended_layer("deberta-xlarge-mnli") == 40
    assert recommended_layer("all-minilm-l6-v2") is None
    assert settings("FacebookAI/roberta-large@main").advice() is None
    assert "which is 17" in str(settings("FacebookAI/roberta-large@main", layer=6).advice())
    assert settings("all-minilm-l6-v2", layer=6).advice() is None
