"""Digests of what was taken out: a leak is found by them, and nothing else can be."""

import re
import stat
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.errors import ResepError
from resep.paths import config_folder
from resep.private_digests import (
    DIGEST_BYTES,
    PRIVATE,
    PrivateDigests,
    digests_of,
    leaks_in,
    private_key,
    read_digests,
    share_private_key,
    write_digests,
)
from resep.recipe import StepSpec
from resep.stages.prepare.text import private_values
from tests.preparing import SOURCE, prepared, recipe, row, write_rows

KEY, SALT = b"k" * 32, "trial"
values = private_values(StepSpec("placeholders", {"words": {"NAME": ["Budi"]}}))
TAKEN_OUT = digests_of(values("Budi, A@b.co, +62 812-3456-7890, 4111 1111 1111 1111"), KEY, SALT)


def leaks(text: str, key: bytes = KEY, salt: str = SALT) -> Counter[str]:
    return leaks_in(text, values, TAKEN_OUT, key, salt)


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("it is a@B.CO", {"EMAIL": 1}),
        ("budi's card is 4111-1111-1111-1111", {"NAME": 1, "CARD": 1}),
        ("A@b.co and a@b.co", {"EMAIL": 1}),  # one value, however often
        ("0812 3456 7890", {"PHONE": 1}),
        ("no. 62.8123.4567890 there", {"PHONE": 1}),  # in no way that the detector knows
        ("write to c@d.co or 081234567891", {}),
        ("[EMAIL] [PHONE]", {}),
    ],
)
def test_a_value_that_was_taken_out_is_a_leak_however_it_is_spelt(text: str, kinds: dict[str, int]) -> None:
    assert leaks(text) == kinds


def test_another_key_or_another_recipe_has_other_digests() -> None:
    assert not leaks("a@b.co", key=b"x" * 32)
    assert not leaks("a@b.co", salt="another")


def test_a_value_of_another_kind_has_another_digest() -> None:
    assert digests_of([("CARD", "4111")], KEY, SALT).isdisjoint(digests_of([("NIK", "4111")], KEY, SALT))


@given(st.lists(st.binary(min_size=DIGEST_BYTES, max_size=DIGEST_BYTES), max_size=20), st.binary(max_size=17))
def test_the_file_holds_each_digest_once_in_order(
    tmp_path_factory: pytest.TempPathFactory, digests: list[bytes], other: bytes
) -> None:
    path = tmp_path_factory.mktemp("digests") / "private_digests.bin"
    write_digests(path, [*digests, *digests])
    read = read_digests(path)
    assert list(read) == sorted({*digests})
    assert all(digest in read for digest in digests)
    assert (other in read) == (other in digests)


def test_a_file_of_something_else_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.bin").write_bytes(b"123")
    with pytest.raises(ResepError, match=r"x\.bin: 3 bytes are no list of digests"):
        read_digests(tmp_path / "x.bin")


def test_what_is_no_digest_is_not_among_them() -> None:
    anything: object = "text"
    assert anything not in PrivateDigests(b"0" * 16)


def test_the_key_is_made_once_and_nobody_else_may_read_it() -> None:
    key = private_key()
    path = config_folder() / "private.key"
    assert private_key() == key == path.read_bytes()
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["private.key"]


def test_all_who_come_at_once_get_the_same_key() -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len({*pool.map(lambda _: private_key(), range(32))}) == 1


def test_a_team_names_its_own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "team.key").write_bytes(KEY)
    monkeypatch.setenv("RESEP_PRIVATE_KEY", str(tmp_path / "team.key"))
    assert private_key() == KEY
    assert not (config_folder() / "private.key").exists()


def test_a_worker_elsewhere_is_given_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resep.private_digests._SHARED", [])
    share_private_key(KEY)
    assert private_key() == KEY
    assert not (config_folder() / "private.key").exists()


STEPS = """\
preprocessing:
  - placeholders: {numbering: NUMBERING, words: {NAME: [Budi]}, patterns: {ORDER: "INV-[0-9]{6}"}}
  - deduplicate
  - lowercase
"""
SECRETS = ("budi", "ana@x.org", "8123456789", "411111", "INV-")


@pytest.mark.parametrize("numbering", ["none", "row", "data"])
def test_nothing_that_was_taken_out_is_in_any_file_of_the_stage(tmp_path: Path, numbering: str) -> None:
    rows = [row(number) for number in range(60)]
    for number in range(20, 30):
        rows[number]["prompt"] += f" Budi: ana@x.org, +62 812-3456-789{number % 10}, INV-{number:06}"
        rows[number]["response"] = [f"Write to ANA@x.org or {number}@y.org.", "Pay with 4111 1111 1111 1111."]
    write_rows(tmp_path, [*rows, rows[20], {"prompt": "ana@x.org"}])
    source = SOURCE.replace("max_dropped: 1", "max_dropped: 1, on_bad_row: skip")
    out = prepared(recipe(tmp_path, source + STEPS.replace("NUMBERING", numbering)), tmp_path)
    files = {path: path.read_bytes().lower() for path in out.rglob("*") if path.is_file()}
    assert len(files) > 4
    for path, content in files.items():
        assert not [secret for secret in SECRETS if secret.lower().encode() in content], path
        if path.name != PRIVATE:  # no digest of a number, and no hidden placeholder
            assert not re.search(rb"#[0-9a-f]{16}|\xee[\x80-\x83]", content), path
    kept = read_digests(out / PRIVATE)
    assert 20 < len(kept) < 60
    assert leaks_in("mail ana@x.org, budi!", values, kept, private_key(), "trial") == {"EMAIL": 1, "NAME": 1}
    assert not leaks_in("mail eka@x.org", values, kept, private_key(), "trial")


@pytest.mark.parametrize("content", [None, b"short", b"k" * 33])
def test_a_named_file_that_holds_no_key_is_never_made_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    path = tmp_path / "team.key"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("RESEP_PRIVATE_KEY", str(path))
    with pytest.raises(ResepError, match=r"RESEP_PRIVATE_KEY names .*team\.key: .*head -c 32 /dev/urandom"):
        private_key()
    assert path.exists() == (content is not None)
