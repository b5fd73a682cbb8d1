"""What was meant by a text that the schema lets pass, because only a check across keys can tell that it is wrong."""

from __future__ import annotations

from resep.document.places import KeyPath
from resep.recipe.habits import habit_of_value


def meant(path: KeyPath, value: str) -> str:
    """`; write 'tuned'`, to stand at the end of a message, or an empty text where no habit is behind the value."""
    habit = habit_of_value(path, value)
    if habit is None or habit.ours is None:
        return ""
    return f"; write '{habit.ours}'" + (f" ({habit.advice})" if habit.advice else "")
