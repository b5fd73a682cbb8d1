"""An answer depends on its own row: not on the rows that share its batch, the batch's size, or the attempt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from resep.generation.decoding import Decoder

pytestmark = pytest.mark.slow  # they import torch

GREEDY: Mapping[str, Any] = {"do_sample": False, "max_new_tokens": 40, "repetition_penalty": 1.0, "stop": []}
DRAWN = {**GREEDY, "do_sample": True, "temperature": 1.0, "top_p": 0.95, "top_k": 0}
# A random model says its end token as rarely as any other: here some answers end early.
ENDS = (2, *range(1000, 3000))
TEXTS = ("how do i open it", "mute the group until tomorrow morning please and then", "pay", "a " * 30, "b c", "reset")


@pytest.fixture(scope="module")
def loaded() -> Any:
    import torch

    from resep.generation.loading import load_model
    from tests.tiny_model import model_folder

    torch.set_num_threads(1)
    return load_model(model_folder(), {"dtype": "float32", "four_bit": False, "dequantise": False}, "cpu")


def decoder(model: Any, **options: Any) -> Decoder:
    from resep.generation.decoding import open_decoder
    from resep.templates import load_tokenizer
    from tests.tiny_model import model_folder

    opened = open_decoder(model, model_folder(), load_tokenizer(model_folder()), options)
    return replace(opened, stop_ids=ENDS)


def answers(model: Any, texts: Sequence[str], size: int, options: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    from resep.generation.decoding import answer

    opened = decoder(model, **options, batch_size=size)
    prompts = [opened.tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    seeds = [f"42:{text}" for text in texts]
    found = {at: said for batch in answer(opened, prompts, seeds) for at, said in batch.items()}
    return [(found[at].ids, found[at].tokens, found[at].finish_reason) for at in range(len(texts))]


@pytest.mark.parametrize(
    "options",
    [GREEDY, DRAWN, {**DRAWN, "temperature": 0.7, "top_k": 20}, {**GREEDY, "repetition_penalty": 1.3}],
    ids=["greedy", "drawn", "drawn among few", "repetition"],
)
def test_the_batch_does_not_change_an_answer(loaded: Any, options: Mapping[str, Any]) -> None:
    alone = answers(loaded, TEXTS, 1, options)
    assert answers(loaded, TEXTS, 4, options) == alone
    assert answers(loaded, TEXTS[::-1], 64, options)[::-1] == alone
    assert answers(loaded, TEXTS[2:4], 2, options) == alone[2:4]


def test_some_of_those_answers_end_before_others(loaded: Any) -> None:
    lengths = [tokens for _, tokens, _ in answers(loaded, TEXTS, 64, DRAWN)]
    assert len(set(lengths)) > 1
    assert min(lengths) < 40


def test_another_seed_gives_another_answer_and_the_same_seed_the_same(loaded: Any) -> None:
    from resep.generation.decoding import answer

    opened = decoder(loaded, **DRAWN, batch_size=3)
    (batch,) = answer(opened, [[5, 6, 7]] * 3, ["a", "b", "a"])
    assert batch[0].ids == batch[2].ids != batch[1].ids


def test_greedy_answers_are_those_of_transformers_on_one_prompt(loaded: Any) -> None:
    import torch

    opened = decoder(loaded, **GREEDY, batch_size=1)
    for text, (ids, tokens, _) in zip(TEXTS, answers(loaded, TEXTS, 64, GREEDY), strict=True):
        prompt = opened.tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
        limits = {"max_new_tokens": 40, "eos_token_id": list(ENDS), "pad_token_id": 2, "do_sample": False}
        said = loaded.generate(input_ids=prompt, attention_mask=torch.ones_like(prompt), **limits)
        assert said[0, prompt.shape[1] :].tolist()[: len(ids)] == ids
        assert tokens == said.shape[1] - prompt.shape[1]


def test_the_repetition_penalty_is_that_of_transformers_on_one_prompt(loaded: Any) -> None:
    import torch

    options = {**GREEDY, "repetition_penalty": 1.3}
    opened = decoder(loaded, **options, batch_size=1)
    for text, (ids, _, _) in zip(TEXTS, answers(loaded, TEXTS, 64, options), strict=True):
        prompt = opened.tokenizer(text, add_special_tokens=False, return_tensors="pt")["input_ids"]
        limits = {"max_new_tokens": 40, "eos_token_id": list(ENDS), "pad_token_id": 2, "do_sample": False}
        said = loaded.generate(
            input_ids=prompt, attention_mask=torch.ones_like(prompt), repetition_penalty=1.3, **limits
        )
        assert said[0, prompt.shape[1] :].tolist()[: len(ids)] == ids


def test_a_model_is_quicker_for_a_while_and_says_the_same(loaded: Any) -> None:
    import torch

    from resep.generation.quick import quickened

    ids = torch.arange(5, 65).reshape(3, 20)
    mask = torch.ones_like(ids)
    mask[1, :7] = 0
    with torch.inference_mode():
        plain = loaded(input_ids=ids, attention_mask=mask, use_cache=True)
        step = loaded(
            input_ids=ids[:, :1],
            attention_mask=torch.nn.functional.pad(mask, (0, 1), value=1),
            past_key_values=plain.past_key_values,
        ).logits
        with quickened(loaded):
            assert loaded.config._attn_implementation != "sdpa"
            assert type(loaded.lm_head) is not torch.nn.Linear
            quick = loaded(input_ids=ids, attention_mask=mask, use_cache=True)
            assert torch.allclose(quick.logits, plain.logits, atol=1e-5)
            again = loaded(
                input_ids=ids[:, :1],
                attention_mask=torch.nn.functional.pad(mask, (0, 1), value=1),
                past_key_values=quick.past_key_values,
            ).logits
    assert torch.allclose(again, step, atol=1e-5)
    assert loaded.config._attn_implementation == "sdpa"
    assert type(loaded.lm_head) is torch.nn.Linear


def drawn(logits: Sequence[float], count: int, **options: Any) -> Counter[int]:
    """How often each token is drawn."""
    import torch

    from resep.generation.processors import processors

    chain = processors({**DRAWN, "top_p": 1.0, **options}, torch.ones(count, 1), [Random(n) for n in range(count)])
    scores = torch.tensor([list(logits)] * count)
    return Counter(chain(torch.zeros(count, 1, dtype=torch.long), scores).argmax(dim=-1).tolist())


def test_tokens_are_drawn_as_often_as_they_are_likely() -> None:
    import math

    shares = (0.5, 0.3, 0.15, 0.05)
    counts = drawn([math.log(share) for share in shares], 20_000)
    for token, share in enumerate(shares):
        error = 4 * math.sqrt(share * (1 - share) / 20_000)
        assert abs(counts[token] / 20_000 - share) < error


def test_what_is_impossible_or_left_out_is_never_drawn() -> None:
    never = float("-inf")
    assert set(drawn([never, 0.0, 0.0, never], 500)) == {1, 2}
    assert set(drawn([3.0, 2.0, 1.0, 0.0], 500, top_k=2)) == {0, 1}
    assert set(drawn([3.0, 0.0, 0.0, 0.0], 500, top_p=0.5)) == {0}
    assert set(drawn([1.0, 0.0], 200, temperature=0.01)) == {0}


def test_padding_is_not_taken_for_something_that_was_said() -> None:
    import torch

    from resep.generation.processors import processors

    mask, said = torch.tensor([[0, 1], [1, 1]]), torch.tensor([[2, 5, 6], [2, 5, 6]])
    (penalise,) = processors({**GREEDY, "repetition_penalty": 2.0}, mask, [])
    scores = penalise(said, torch.ones(2, 8))
    assert scores[:, [2, 5, 6]].tolist() == [[1.0, 0.5, 0.5], [0.5, 0.5, 0.5]]
