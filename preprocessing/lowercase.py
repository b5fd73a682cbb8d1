"""Write every letter small, in any script."""


def transform_text(text: str) -> str:
    return text.lower()
