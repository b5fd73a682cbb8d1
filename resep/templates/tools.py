"""Whether a chat template writes tools and their calls, which it may as well leave out without a word."""

from __future__ import annotations

from functools import lru_cache

from resep.errors import ResepError
from resep.templates.conversation import Conversation
from resep.templates.rendering import Marks, Template, render

_NAME, _CALLED, _RESULT = "probe_defined_a", "probe_called_b", "probe_result_c"
_TOOL = {"type": "function", "function": {"name": _NAME, "description": "", "parameters": {}}}
_CALL = {"id": "abcdef123", "type": "function", "function": {"name": _CALLED, "arguments": {}}}
_PROBE = (
    {"role": "user", "content": "Look it up."},
    {"role": "assistant", "content": "", "tool_calls": [_CALL]},
    {"role": "tool", "content": _RESULT, "parsed_content": _RESULT, "tool_call_id": "abcdef123", "name": _CALLED},
    {"role": "assistant", "content": "So it is."},
)
_MARKS = Marks("\ufdd0", "\ufdd1")
ADVICE = (
    "of the templates that come with Resep, mistral has one, and `native` where the model's own template has; or leave "
    "such rows out"
)


def require_places(conversation: Conversation) -> None:
    """Raises ResepError where the conversation has tools or calls and its template writes nothing of them."""
    has_calls = any("tool_calls" in message or message["role"] == "tool" for message in conversation.messages)
    if not (has_calls or conversation.tools):
        return
    variables = tuple(sorted(conversation.tokenizer.variables.items()))
    text, why = probed(conversation.template, variables)
    for is_needed, words, what in (
        (has_calls, (_CALLED, _RESULT), "calls of tools and their results"),
        (conversation.tools, (_NAME,), "definitions of tools"),
    ):
        if is_needed and not all(word in text for word in words):
            name = conversation.template.name
            raise ResepError(f"chat template '{name}' has no place for {what}{why}; {ADVICE}")


@lru_cache
def probed(template: Template, variables: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    """What the template makes of a conversation with tools; an empty text, and why, where it refuses it."""
    try:
        return render(template, _PROBE, dict(variables), _MARKS, generation_prompt=False, tools=[_TOOL]), ""
    except ResepError as error:
        return "", f" ({str(error).removeprefix(f'chat template {template.name!r}: ')})"
