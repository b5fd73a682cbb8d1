"""Checks across keys that concern how every arm answers."""

from __future__ import annotations

from collections.abc import Iterator

from resep.recipe.draft import Check, Draft, Finding, Number

_SHORTEST_LIST = 16  # tokens: two numbered steps of a few words each


def sampling_is_on(draft: Draft) -> Iterator[Finding]:
    draws = draft.value("generation.do_sample")
    for key in ("temperature", "top_p", "top_k"):
        if draws is False and draft.has(f"generation.{key}"):
            message = (
                "without effect, because do_sample is false and the likeliest token is always taken; "
                f"add do_sample: true, or leave {key} out"
            )
            yield Finding(("generation", key), message, "warning")
    if draws is True and draft.value("generation.top_k", int) == 1:
        message = "1 leaves nothing to draw from: the likeliest token is always taken; write do_sample: false"
        yield Finding(("generation", "top_k"), message, "warning")


def answers_have_room(draft: Draft) -> Iterator[Finding]:
    longest, length = draft.value("generation.max_new_tokens", int), draft.value("training.sequence_len", Number)
    path, form = ("generation", "max_new_tokens"), draft.value("prompt.response_format")
    if not longest or not draft.has("generation.max_new_tokens"):
        return
    if longest < _SHORTEST_LIST and form != "text":
        message = (
            f"{longest} tokens hold no list of steps ({form}): nearly every answer will be cut; 100 to 300 is usual"
        )
        yield Finding(path, message, "warning")
    elif length and longest > length:
        message = (
            f"no answer in training is that long: training.sequence_len is {length:g} with the prompt; an arm that "
            "does not stop by itself costs time up to here"
        )
        yield Finding(path, message, "warning")


def lists_outlive_their_first_line(draft: Draft) -> Iterator[Finding]:
    form = draft.value("prompt.response_format")
    for index, stop in enumerate(draft.value("generation.stop", list) or []):
        if stop in ("\n", "\\n", "\r\n") and form != "json":
            message = f"this ends every answer after its first line, and {form} has a line per step; leave it out"
            yield Finding(("generation", "stop", index), message, "warning")


CHECKS: tuple[Check, ...] = (
    sampling_is_on,
    answers_have_room,
    lists_outlive_their_first_line,
)
