"""The step `augment` against a small server: which rows are made, which are refused, and what is told of both."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep import Row
from resep.augmentation.forms import child_fields, instruction_of, read_texts, shown
from resep.augmentation.nearness import index_of, near
from resep.augmentation.refusals import compared, placeholder_fault
from resep.augmentation.settings import augmenting_faults
from resep.endpoints import Endpoint
from resep.errors import ResepError
from resep.plugins import find, open_plugin
from resep.records import Origin
from resep.similarity.shingles import jaccard
from resep.splits.keys import normalised
from tests.endpoint_server import Body, Fault, Server, serving
from tests.tiny_model import model_folder

SECRET = "siti.aminah@example.org"
Findings = dict[str, Any]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESEP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("resep.augmentation.asking.Endpoint", partial(Endpoint, first_wait_s=0.001))


@dataclass(frozen=True)
class Rows:
    """As the engine hands them to a step after the split."""

    rows: Sequence[Row]
    held_out: Sequence[Row] = ()

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)


class CleanedRows(Rows):
    """With the recipe's own steps: e-mail addresses become placeholders, short prompts are dropped."""

    def cleaned(self, row: Row) -> Row:
        prompt = re.sub(r"\S+@\S+", "[EMAIL]", row.fields["prompt"]).lower().replace("[email]", "[EMAIL]")
        return replace(row, fields={**row.fields, "prompt": prompt}, dropped="too short" if len(prompt) < 4 else None)


def row(name: str, prompt: str, response: Any = "Open the app.", **fields: Any) -> Row:
    return Row(name, {"prompt": prompt, "response": response, **fields}, Origin("rows.jsonl", 1))


def rows(count: int, **fields: Any) -> list[Row]:
    subjects = ("password", "invoice", "holiday", "printer", "contract", "salary", "badge", "parking", "canteen", "key")
    return [
        row(f"r{n}", f"Where can I find number {n * 7919} of my {subjects[n % 10]}?", **fields) for n in range(count)
    ]


def augment(given: Iterable[Row], server: Server | None = None, **options: Any) -> tuple[list[Row], Findings]:
    """The new rows and the findings."""
    step = open_plugin(find("preprocessing", "augment"))
    to = {"endpoint": server.url, "model": "tiny"} if server else {}
    made = step.process_rows(given, **{**to, **options})
    children: list[Row] = []
    try:
        while True:
            one = next(made)
            if one.parent is not None and "made_by" in one.fields:
                children.append(one)
    except StopIteration as stop:
        return children, stop.value


def asked_texts(body: Body) -> dict[str, Any]:
    """What the model was shown: the JSON after the instruction."""
    texts: dict[str, Any] = json.loads(body["messages"][0]["content"].rpartition("\n\n")[2])
    return texts


def paraphrase(body: Body) -> str:
    """Another wording, another one for every seed."""
    words = asked_texts(body)["prompt"].split()
    return json.dumps({"prompt": f"{' '.join(reversed(words))}, seed {body['seed']}, said otherwise"})


# What is made


def test_a_child_has_its_parents_answer_and_says_who_made_it_of_what() -> None:
    parent = row("a", "How do I begin?", ["Open it.", "Begin."], category="start")
    with serving('{"prompt": "What is the first thing to do?"}') as server:
        (child,), findings = augment(Rows([parent]), server, seed=7)
    made_by = child.fields["made_by"]
    assert child.fields == {
        "prompt": "What is the first thing to do?",
        "response": ["Open it.", "Begin."],
        "category": "start",
        "made_by": {
            "model": "tiny",
            "prompt": findings["prompt"],
            "seed": server.asked[0]["seed"],
            "parent": "a",
        },
    }
    assert (child.parent, child.origin, child.dropped) == ("a", parent.origin, None)
    assert child.id != "a"
    assert re.fullmatch(r"paraphrase_prompt#[0-9a-f]{12}", made_by["prompt"])
    assert findings["instruction"] in server.asked[0]["messages"][0]["content"]


def test_the_rows_themselves_go_on_as_they_came_and_first() -> None:
    given = Rows(rows(5))
    with serving(paraphrase) as server:
        step = open_plugin(find("preprocessing", "augment"))
        returned = list(step.process_rows(given, endpoint=server.url, model="tiny"))
    assert returned[:5] == given.rows
    assert len(returned) == 10


def test_a_new_example_has_an_answer_of_the_same_kind() -> None:
    parents = [row("a", "How do I begin?", ["Open it.", "Begin."]), row("b", "Who are you?", "A helper.")]

    def say(body: Body) -> str:
        texts = asked_texts(body)
        is_list = isinstance(texts["response"], list)
        return json.dumps({"prompt": f"How do I end {is_list}?", "response": ["Close it."] if is_list else "Bye."})

    with serving(say) as server:
        children, _ = augment(Rows(parents), server, what="new_example", near=1.0)
    assert {child.parent: child.fields["response"] for child in children} == {"a": ["Close it."], "b": "Bye."}


def test_a_conversation_gets_another_last_question() -> None:
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi."},
        {"role": "user", "content": "Where is the door?"},
        {"role": "assistant", "content": "There.", "weight": 0},
    ]
    parent = Row("a", {"messages": messages}, Origin("rows.jsonl", 1))
    with serving('{"prompt": "Which way leads out of this building, please, tell me?"}') as server:
        (child,), _ = augment(Rows([parent]), server)
    contents = [message["content"] for message in child.fields["messages"]]
    assert contents == ["Be brief.", "Hello", "Hi.", "Which way leads out of this building, please, tell me?", "There."]
    assert messages[3]["content"] == "Where is the door?"


def test_no_more_is_made_than_was_asked_for_and_no_parent_goes_twice_before_all_went_once() -> None:
    with serving(paraphrase) as server:
        children, findings = augment(Rows(rows(6)), server, rows=9, per_row=3)
    parents = [child.parent for child in children]
    assert len(children) == findings["made"] == 9
    assert len(set(parents[:6])) == 6
    assert len(server.asked) == 9


def test_rows_that_were_made_have_no_children_of_their_own() -> None:
    made = replace(row("b", "Whatever else there may be to ask?"), parent="a")
    with serving(paraphrase) as server:
        children, _ = augment(Rows([row("a", "How do I begin?"), made]), server, per_row=2)
    assert {child.parent for child in children} == {"a"}


def test_which_rows_have_children_does_not_depend_on_their_order() -> None:
    given = rows(40)
    with serving(paraphrase) as server:
        forwards, _ = augment(Rows(given), server, rows=8)
        backwards, _ = augment(Rows(given[::-1]), server, rows=8)
        others, _ = augment(Rows(given), server, rows=8, seed=1)
    assert forwards == backwards
    assert {child.parent for child in forwards} != {child.parent for child in others}


# Rare classes


def test_rare_classes_are_filled_up_and_the_others_left_alone() -> None:
    kinds = ["common"] * 12 + ["few"] * 4 + ["one"] + [""]
    given = [replace(each, fields={**each.fields, "kind": kind}) for each, kind in zip(rows(18), kinds, strict=True)]
    with serving(paraphrase) as server:
        children, findings = augment(Rows(given), server, target="rare", by="kind", up_to=6)
    assert [child.fields["kind"] for child in children].count("few") == 2
    assert findings["groups"] == {
        "few": {"rows": 4, "wanted": 2, "made": 2},
        "one": {"rows": 1, "wanted": 5, "made": 5},
    }
    assert {child.parent for child in children if child.fields["kind"] == "one"} == {"r16"}


def test_without_a_number_rare_classes_are_filled_up_to_the_median() -> None:
    kinds = ["a"] * 9 + ["b"] * 5 + ["c"] * 3
    given = [replace(each, fields={**each.fields, "kind": kind}) for each, kind in zip(rows(17), kinds, strict=True)]
    with serving(paraphrase) as server:
        _, findings = augment(Rows(given), server, target="rare", by="kind")
    assert findings["groups"] == {"c": {"rows": 3, "wanted": 2, "made": 2}}


def test_too_few_rows_for_all_rare_classes_are_shared_out_among_them() -> None:
    kinds = ["a"] * 20 + ["b"] * 10 + ["c"] * 5
    given = [replace(each, fields={**each.fields, "kind": kind}) for each, kind in zip(rows(35), kinds, strict=True)]
    with serving(paraphrase) as server:
        _, findings = augment(Rows(given), server, target="rare", by="kind", up_to=20, rows=10)
    assert {name: group["wanted"] for name, group in findings["groups"].items()} == {"b": 4, "c": 6}


def test_classes_that_are_all_alike_ask_nothing() -> None:
    with serving() as server:
        children, findings = augment(Rows(rows(4, kind="a")), server, target="rare", by="kind")
    assert (children, findings["asked"], server.asked) == ([], 0, [])


def test_a_field_that_no_row_has_is_told() -> None:
    with serving() as server, pytest.raises(ResepError, match="no training row has a value in the field 'knid'"):
        augment(Rows(rows(4, kind="a")), server, target="rare", by="knid")


# What is refused


def refused(parent: Row, answers: Iterable[str], held_out: Sequence[Row] = (), **options: Any) -> Mapping[str, int]:
    said = iter(answers)
    with serving(lambda _: json.dumps({"prompt": next(said)})) as server:
        children, findings = augment(Rows([parent], held_out), server, concurrency=1, **options)
    assert not children
    reasons: dict[str, int] = {reason: count for reason, count in findings["refused"].items() if count}
    return reasons


def test_a_child_that_lost_or_invented_a_placeholder_is_refused() -> None:
    parent = row("a", "Why does [EMAIL] get no {{Order Number}}?")
    answers = ["Why is there no {{Order Number}}?", "Why has [EMAIL], unlike [PHONE], no {{Order Number}}?"]
    assert refused(parent, answers, per_row=2) == {"lost a placeholder": 1, "invented a placeholder": 1}


def test_a_child_with_its_placeholders_stays() -> None:
    with serving('{"prompt": "No {{Order Number}} came to my address, [EMAIL]. What happened?"}') as server:
        (child,), _ = augment(Rows([row("a", "Why does [EMAIL] get no {{Order Number}}?")]), server)
    assert "[EMAIL]" in child.fields["prompt"]


def test_a_child_near_to_its_parent_is_refused() -> None:
    assert refused(row("a", "How do I reset my password?"), ["how do i reset my password??"]) == {
        "near a training row": 1
    }


def test_a_child_near_to_a_row_that_was_held_out_is_refused_as_a_leak() -> None:
    held_out = [row("t", "What must be done to get a new password?")]
    answers = ["What must be done to get a new password"]
    assert refused(row("a", "How do I reset it?"), answers, held_out) == {"near a validation or test row": 1}


def test_of_children_that_are_alike_the_first_stays() -> None:
    with serving('{"prompt": "Tell me how to get a new password."}') as server:
        children, findings = augment(Rows(rows(3)), server)
    assert len(children) == 1
    assert findings["refused"]["near another new row"] == 2


def test_a_child_is_judged_by_what_the_recipes_steps_leave_of_it() -> None:
    held_out = [row("t", "please write to [EMAIL] about my refund")]
    given = CleanedRows([row("a", "How do I get my money back?")], held_out)
    with serving(json.dumps({"prompt": f"Please write to {SECRET} about my refund"})) as server:
        children, findings = augment(given, server)
    assert not children
    assert findings["refused"]["near a validation or test row"] == 1


def test_a_child_that_the_recipes_steps_drop_is_counted() -> None:
    with serving('{"prompt": "Hm"}') as server:
        children, findings = augment(CleanedRows([row("a", "How do I get my money back?")]), server)
    assert not children
    assert findings["refused"]["dropped by the recipe's steps"] == 1


def test_a_refused_child_is_made_up_for_by_another() -> None:
    given = rows(10)
    bad = {"r0", "r3", "r5"}

    def say(body: Body) -> str:
        text = asked_texts(body)["prompt"]
        is_bad = any(text == one.fields["prompt"] for one in given if one.id in bad)
        return json.dumps({"prompt": text}) if is_bad else paraphrase(body)

    with serving(say) as server:
        children, findings = augment(Rows(given), server, rows=5)
    assert len(children) == 5
    assert findings["asked"] == 5 + findings["refused"]["near a training row"]


# What a model says


@pytest.mark.parametrize(
    "said",
    ["", "Sure! Here it is:", "null", "[]", '{"prompt": ""}', '{"prompt": 5}', '{"prompt": "a", "response": "b"}',
     '{"prompt": ["a"]}', '{"text": "a"}', '{"prompt": "a"} and more', '{"prompt": "\\ud83d"}', "[" * 100_000, "NaN"],
)  # fmt: skip
def test_what_is_no_answer_of_the_form_is_not_guessed_at(said: str) -> None:
    assert read_texts(said, {"prompt": "x"}) is None


@pytest.mark.parametrize("said", ['{"prompt": " a "}', '```json\n{"prompt": "a"}\n```', '\n{ "prompt" : "a" }\n'])
def test_white_space_and_fences_are_no_fault(said: str) -> None:
    assert read_texts(said, {"prompt": "x"}) == {"prompt": "a"}


@given(st.text(min_size=1).filter(lambda text: text.strip() != ""))
def test_any_text_comes_back_from_its_json(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    assert read_texts(json.dumps({"prompt": text}), {"prompt": "x"}) == {"prompt": text.strip()}


def test_garbage_is_asked_for_once_more_with_another_seed_and_then_counted() -> None:
    spoilt: set[str] = set()

    def say(body: Body) -> str:
        text = asked_texts(body)["prompt"]
        if "printer" in text or text not in spoilt:
            spoilt.add(text)
            return "I am happy to help!"
        return paraphrase(body)

    with serving(say) as server:
        children, findings = augment(Rows(rows(5)), server)
    assert len(children) == 4
    assert findings["refused"]["unreadable"] == 1
    assert findings["asked"] == 10
    assert len({body["seed"] for body in server.asked}) == 10


def test_a_model_that_cannot_do_it_ends_the_run() -> None:
    with serving(f"I cannot help with {SECRET}.") as server, pytest.raises(ResepError) as error:
        augment(Rows(rows(8)), server)
    assert "of 16 answers of tiny none could be used: 8 were not the JSON that was asked for" in str(error.value)
    assert SECRET not in str(error.value)


@pytest.mark.parametrize(
    ("fields", "what", "expected"),
    [
        ({"response": "All of it."}, "paraphrase_prompt", None),
        ({"prompt": " ", "response": "b"}, "paraphrase_prompt", None),
        ({"prompt": "a", "response": "b"}, "new_example", {"prompt": "a", "response": "b"}),
        ({"messages": [{"role": "assistant", "content": "a"}]}, "paraphrase_prompt", None),
        (
            {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "", "tool_calls": [{}]}]},
            "new_example",
            None,
        ),
        (
            {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
            "new_example",
            {"prompt": "a", "response": "b"},
        ),
        (
            {"messages": [{"role": r, "content": "a"} for r in ("user", "assistant", "user", "assistant")]},
            "new_example",
            None,
        ),
    ],
)
def test_what_of_a_row_a_model_may_write_anew(fields: Any, what: Any, expected: Any) -> None:
    assert shown(Row("a", fields, Origin("f", 1)), what) == expected


def test_a_new_pair_keeps_the_system_message() -> None:
    messages = [{"role": r, "content": r} for r in ("system", "user", "assistant")]
    fields = child_fields(Row("a", {"messages": messages}, Origin("f", 1)), {"prompt": "p", "response": "r"})
    assert [message["content"] for message in fields["messages"]] == ["system", "p", "r"]


def test_an_own_instruction_takes_the_place_of_ours_and_keeps_the_form() -> None:
    own = instruction_of("paraphrase_prompt", "Translate into Indonesian.\n")
    assert own.startswith("Translate into Indonesian.\n\nPlaceholders")
    assert own.endswith('{"prompt": "..."}')


# Likeness


texts = st.lists(st.text("abc \u00e9?", max_size=12), max_size=6)


@given(texts, texts, st.sampled_from([0.1, 0.5, 0.8, 1.0]))
def test_the_index_finds_what_comparing_every_pair_finds(children: list[str], others: list[str], least: float) -> None:
    expected = {
        (a, b)
        for a, other in enumerate(others)
        for b, child in enumerate(children)
        if jaccard(normalised(other), normalised(child)) >= least
    }
    assert set(near(index_of(children), others, least)) == expected


def test_a_long_stream_is_numbered_across_its_batches() -> None:
    stream = (f"a text of its own, number {n}" for n in range(2000))
    assert list(near(index_of(["a text of its own, number 1777"]), stream, 0.99)) == [(1777, 0)]


def test_rows_are_compared_by_their_prompts() -> None:
    conversation = {"messages": [{"role": r, "content": r} for r in ("system", "user", "assistant")]}
    assert compared(row("a", "p", "r")) == "p"
    assert compared(Row("a", conversation, Origin("f", 1))) == "system\nuser"
    assert compared(Row("a", {"response": "all"}, Origin("f", 1))) == "all"


def test_placeholders_are_compared_over_all_texts() -> None:
    before = {"prompt": "[NAME] asks", "response": ["write to [EMAIL]"]}
    assert placeholder_fault(before, {"prompt": "it is [EMAIL]", "response": ["[NAME]"]}) is None
    assert placeholder_fault(before, {"prompt": "[NAME] asks", "response": ["write"]}) == "lost a placeholder"
    assert placeholder_fault({"prompt": "a"}, {"prompt": "[Aside] a [b]"}) is None


# Money, disk, failures


def test_everything_is_counted() -> None:
    price = {"input_per_million": 1000.0, "output_per_million": 2000.0}
    with serving(paraphrase) as server:
        _, findings = augment(Rows(rows(3)), server, price=price)
    tokens = findings["tokens"]
    cost = (tokens["input"] * 1000 + tokens["output"] * 2000) / 1e6
    assert cost > 0
    assert findings["cost"] == {"all": pytest.approx(cost), "this_run": pytest.approx(cost)}
    assert (findings["asked"], findings["answered"], findings["cached"], findings["failed"]) == (3, 3, 0, {})
    assert findings["served_as"] == {"tiny-2026": 3}
    assert (findings["wanted"], findings["made"]) == (3, 3)


def test_what_nobody_counted_costs_an_unknown_sum() -> None:
    with serving(paraphrase, reports_usage=False) as server:
        _, findings = augment(Rows(rows(3)), server, price={"input_per_million": 1.0})
    assert findings["tokens"] == {"input": None, "output": None}
    assert findings["cost"] == {"all": None, "this_run": None}


def test_a_second_run_asks_nothing_and_makes_the_same_rows() -> None:
    with serving(paraphrase) as server:
        first, _ = augment(Rows(rows(6)), server, price={"input_per_million": 1000.0})
        again, findings = augment(Rows(rows(6)), server, price={"input_per_million": 1000.0})
        assert len(server.asked) == 6
    assert first == again
    assert findings["cached"] == 6
    assert findings["cost"]["this_run"] == 0
    assert findings["cost"]["all"] > 0


def test_another_instruction_or_decoding_is_asked_anew() -> None:
    with serving(paraphrase) as server:
        for options in ({}, {"instruction": "Otherwise."}, {"temperature": 0.1}, {"max_new_tokens": 7}, {"seed": 5}):
            augment(Rows(rows(2)), server, **options)
    assert len(server.asked) == 10


def test_a_server_that_dies_half_way_ends_the_run_and_the_next_goes_on() -> None:
    given = Rows(rows(12))
    with serving(paraphrase, dies_after=5) as server:
        with pytest.raises(ResepError) as error:
            augment(given, server, concurrency=1)
        assert "5 answers that came before are kept, the same command goes on after them" in str(error.value)
        assert not [word for word in ("printer", "password", "Where") if word in str(error.value)]
        asked, server.dies_after = len(server.asked), None
        children, findings = augment(given, server)
    assert len(children) == 12
    assert findings["cached"] == 5
    assert len(server.asked) == asked + 7


def test_a_request_that_fails_for_good_is_counted_and_the_others_go_on() -> None:
    with serving(paraphrase, faults=[None, Fault(400, error={"type": "too_long", "message": SECRET}), None]) as server:
        children, findings = augment(Rows(rows(5)), server, concurrency=1)
    # The second try, with another seed, succeeded.
    assert len(children) == 5
    assert findings["failed"] == {"tried once: it refused the request (400: too_long)": 1}


def test_a_server_that_was_not_agreed_to_gets_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with serving(paraphrase) as server:
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "nobody"))
        with pytest.raises(ResepError, match=r"which happens only if you say so: --send-to http://127.0.0.1:\d+$"):
            augment(Rows(rows(2)), server)
    assert not server.asked


# Options


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({}, "model"),
        ({"model": "m", "endpoint": "host/v1"}, "endpoint"),
        ({"model": "m", "endpoint": "https://me:word@host/v1"}, "endpoint"),
        ({"model": "m", "endpoint": "https://host/v1", "api_key_env": "sk-123"}, "api_key_env"),
        ({"model": "m", "api_key_env": "MY_KEY"}, "api_key_env"),
        ({"model": "m", "target": "rare"}, "by"),
        ({"model": "m", "up_to": 5}, "up_to"),
        ({"model": "m", "rows": 0}, "rows"),
        ({"model": "m", "near": 0}, "near"),
        ({"model": "m", "temperature": -1}, "temperature"),
        ({"model": "m", "price": {"input": 1.0}}, "price"),
    ],
)
def test_options_that_do_not_go_together_are_told(options: dict[str, Any], option: str) -> None:
    ((named, message),) = augmenting_faults(options)
    assert named == option
    assert "sk-123" not in message
    assert "word" not in message.replace("passwords", "")


def test_the_step_refuses_them_as_well() -> None:
    with pytest.raises(ResepError, match=r"preprocessing\.augment\.model: name the model"):
        augment(Rows(rows(1)))


def test_a_model_that_is_not_here_is_told() -> None:
    with pytest.raises(ResepError, match=r"there is no such folder.*a model of a server needs its `endpoint`"):
        augment(Rows(rows(1)), model="gpt-4o-mini")


@pytest.mark.slow
def test_a_model_on_this_machine_is_asked_in_a_child_and_its_answers_are_kept() -> None:
    options: dict[str, Any] = {"model": str(model_folder()), "max_new_tokens": 4}
    _, findings = augment(Rows(rows(3)), **options)
    assert (findings["asked"], findings["answered"], findings["refused"]["unreadable"]) == (6, 6, 3)
    assert findings["tokens"]["output"] > 0
    assert [name.partition(":")[0] for name in findings["served_as"]] == ["local"]
    _, again = augment(Rows(rows(3)), **options)
    assert again["cached"] == 6
