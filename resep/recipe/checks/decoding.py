"""Checks across keys that concern the arms and how they answer."""

from __future__ import annotations

from collections.abc import Iterator

from resep.recipe.draft import Check, Draft, Finding, Number
from resep.recipe.meanings import meant
from resep.suggest import did_you_mean, listed

BASE_ARMS = ("base", "base@native-template")
ARMS = (*BASE_ARMS, "tuned")
_SHORTEST_LIST = 16  # tokens: two numbered steps of a few words each


def arms_can_be_compared(draft: Draft) -> Iterator[Finding]:
    arms = draft.value("generation.arms", list) or []
    for index, arm in enumerate(arms):
        path = ("generation", "arms", index)
        if isinstance(arm, str) and arm not in ARMS:
            other = f"; this version knows {', '.join(ARMS)}; other models come later"
            yield Finding(path, f"'{arm}' is not an arm{meant(path, arm) or did_you_mean(arm, ARMS) or other}")
    if not all(arm in ARMS for arm in arms):
        return
    if arms and "tuned" not in arms:
        yield Finding(("generation", "arms"), "'tuned' is missing: the verdict is about the tuned model; add it")
    if arms and not set(BASE_ARMS) & set(arms):
        message = f"{listed(BASE_ARMS)} is missing: the tuned model is compared with it; add one of them"
        yield Finding(("generation", "arms"), message)


def arms_differ(draft: Draft) -> Iterator[Finding]:
    arms = draft.value("generation.arms", list) or []
    is_native = draft.value("prompt.chat_template") == "native"
    if is_native and draft.has("generation.arms") and set(BASE_ARMS) <= {arm for arm in arms if isinstance(arm, str)}:
        message = "with chat_template: native this arm is the same as base; leave it out, and the run is shorter"
        yield Finding(("generation", "arms", arms.index(BASE_ARMS[1])), message, "warning")


def baseline_is_an_arm(draft: Draft) -> Iterator[Finding]:
    baseline, arms = draft.value("evaluation.baseline", str), draft.value("generation.arms", list) or []
    opponents = [arm for arm in arms if isinstance(arm, str) and arm != "tuned"]
    if baseline is not None and opponents and baseline not in opponents:
        message = f"'{baseline}' is not an arm to compare with; generation.arms has {listed(opponents)}"
        yield Finding(("evaluation", "baseline"), message)


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
    arms_can_be_compared,
    arms_differ,
    baseline_is_an_arm,
    sampling_is_on,
    answers_have_room,
    lists_outlive_their_first_line,
)
