"""Write every letter small, in any script."""

from collections.abc import Callable, Sequence


def transform_text(text: str) -> str:
    return text.lower()


def make_transforms() -> Callable[[Sequence[str]], list[str]]:
    return lambda texts: list(map(str.lower, texts))
