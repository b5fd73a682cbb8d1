"""predictions.csv: harmless in a spreadsheet, and every text can be had back."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.predictions import COLUMNS, safe, text_of, write_predictions
from resep.records import Message, Sample, write_jsonl

ANY = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=80)


def sample(arm: str, output: str, **more: object) -> Sample:
    prompt = more.get("prompt", (Message("user", "how?"),))
    return Sample("r1", arm, more.get("target", "t"), output, prompt)  # type: ignore[arg-type]


def written(folder: Path, **outputs: Sample) -> list[list[str]]:
    for arm, answer in outputs.items():
        write_jsonl(folder / f"{arm}.jsonl", [answer])
    write_predictions(folder / "p.csv", {arm: folder / f"{arm}.jsonl" for arm in outputs}, "numbered_steps")
    with (folder / "p.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file, strict=True))


@given(ANY)
def test_a_cell_is_no_formula_and_gives_its_text_back(text: str) -> None:
    assert text_of(safe(text)) == text
    assert safe(text).lstrip(" ")[:1] not in (
        "=",
        "+",
        "-",
        "@",
        "\t",
        "\r",
        "\n",
        "\uff1d",
        "\uff0b",
        "\uff0d",
        "\uff20",
    )


@pytest.mark.parametrize(
    "text", ["=1+1", "-2", "@x", "'=1", "''", "'", "\t=1", "  =cmd|' /C calc'!A0", "\uff1d1", "\r"]
)
def test_texts_that_programs_run_are_quoted(text: str) -> None:
    assert safe(text) == f"'{text}"


@pytest.mark.parametrize("start", list("=+-@"))
@pytest.mark.parametrize(
    "unseen", ["\u00a0", "\u3000", "\u200b", "\ufeff", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2066", " \u00a0\u200b "]
)
def test_nothing_that_nobody_sees_hides_a_formula(unseen: str, start: str) -> None:
    assert safe(f"{unseen}{start}1+1").startswith("'")
    assert not safe(f"{unseen}a{start}1").startswith("'")


def test_one_column_per_arm_with_question_system_and_target(tmp_path: Path) -> None:
    prompt = (Message("system", "be brief"), Message("user", "how?"))
    header, row = written(
        tmp_path,
        base=sample("base", 'say "yes",\nnow', prompt=prompt, target=("tap", "hold")),
        tuned=sample("tuned", "=HYPERLINK(1)", prompt=prompt, target=("tap", "hold")),
    )
    assert header == [*COLUMNS, "base", "tuned"]
    assert row == ["r1", "how?", "be brief", "1. tap\n2. hold", 'say "yes",\nnow', "'=HYPERLINK(1)"]
    assert (tmp_path / "p.csv").read_bytes().startswith(b'\xef\xbb\xbf"id","prompt"')


def test_a_longer_conversation_stands_whole_with_who_speaks(tmp_path: Path) -> None:
    turns = (Message("user", "how?"), Message("assistant", "so."), Message("user", "and then?"))
    _, row = written(tmp_path, base=sample("base", "", prompt=turns))
    assert row[1] == "[user]\nhow?\n\n[assistant]\nso.\n\n[user]\nand then?"


def test_an_enormous_answer_is_cut_with_a_note(tmp_path: Path) -> None:
    _, row = written(tmp_path, base=sample("base", "x" * 40_000))
    assert len(row[-1]) < 32_767
    assert row[-1].endswith("[cut here: 10,000 more characters]")


def test_control_characters_and_zero_bytes_keep_the_file_readable(tmp_path: Path) -> None:
    _, row = written(tmp_path, base=sample("base", "a\0b\x1b[31m\u202e<script>"))
    assert row[-1] == "a\ufffdb\x1b[31m\u202e<script>"


def test_arms_of_different_rows_are_our_bug_and_leave_no_file(tmp_path: Path) -> None:
    other = Sample("r2", "tuned", "t", "x")
    with pytest.raises(AssertionError, match="same rows"):
        written(tmp_path, base=sample("base", "x"), tuned=other)
    assert not (tmp_path / "p.csv").exists()
