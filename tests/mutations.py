"""Ways in which a recipe goes wrong between a person's head and the disk: each turns a good text into another one."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

Mutation = Callable[[Random, str], str | bytes]

_NASTY = [
    "", "null", "~", "yes", "-1", "0", "1e400", ".nan", ".inf", "1e-4", "'1e-4'", '"', "'", "[", "]", "{", "}", "{}",
    "[]", "[[]]", "{a: {b: {c: 1}}}", "- a", "a: b", "*x", "&x 1", "!!python/object:os.system ls", "!!int 3", "%YAML",
    "@", "`", "> 0", "|", "#", "${HOME}", "${x}", "../../etc/passwd", "/dev/zero", "~/.ssh", "\\", "x" * 400, "9" * 400,
    "2024-01-01", "1:30", "017", "0x1f", "1_000", "true", "True", "None", "NaN", "base", "tuned", "lowercase", "\u200b",
    "\u202e", "日本語", "é", "\ud7ff", "🙂", "10%", "0,5", "<<: *a", "? a", "---", "...", "\x07", "\x7f", "a\u2028b",
]  # fmt: skip
_NAMES = [
    "lr", "extends", "variables", "path", "model", "data", "sources", "training", "expect", "split", "fields", "lora",
    "axolotl", "<<", "", "null", "1", "true", "resep", "name", "evaluators", "batch_size", "Learning_Rate", "a.b",
    "a b",
]  # fmt: skip


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True) or ["\n"]


def delete_lines(random: Random, text: str) -> str:
    lines = _lines(text)
    start = random.randrange(len(lines))
    return "".join(lines[:start] + lines[start + random.randint(1, 6) :])


def double_lines(random: Random, text: str) -> str:
    lines = _lines(text)
    start, count = random.randrange(len(lines)), random.randint(1, 8)
    at = random.choice([start, random.randrange(len(lines))])
    return "".join(lines[:at] + lines[start : start + count] + lines[at:])


def swap_lines(random: Random, text: str) -> str:
    lines = _lines(text)
    a, b = random.randrange(len(lines)), random.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return "".join(lines)


def rename_key(random: Random, text: str) -> str:
    keys = list(re.finditer(r"[A-Za-z_@.-]+(?=:)", text))
    if not keys:
        return text
    key = random.choice(keys)
    name = key[0]
    at = random.randrange(len(name))
    other = random.choice([name[:at] + name[at + 1 :], name[:at] + name[at] + name[at:], name.upper(), name + "s"])
    return text[: key.start()] + random.choice([other, *random.sample(_NAMES, 2)]) + text[key.end() :]


def retype_value(random: Random, text: str) -> str:
    values = list(re.finditer(r"(?<=: )[^\s#{\[,}\]][^#\n,}\]]*|(?<=- )[^\s#][^#\n]*|[{\[][^\n#]*[}\]]", text))
    if not values:
        return text
    value = random.choice(values)
    return text[: value.start()] + random.choice(_NASTY) + text[value.end() :]


def break_indentation(random: Random, text: str) -> str:
    lines = _lines(text)
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(lines))
        lines[at] = random.choice([" ", "  ", "    ", "\t", "\u00a0", "- "]) + lines[at].removeprefix(" ")
    return "".join(lines)


def dedent_all(random: Random, text: str) -> str:
    return re.sub("^" + " " * random.randint(1, 4), "", text, flags=re.M)


def insert_text(random: Random, text: str) -> str:
    at = random.randrange(len(text) + 1)
    return text[:at] + random.choice(_NASTY) + text[at:]


def delete_text(random: Random, text: str) -> str:
    at = random.randrange(len(text) + 1)
    return text[:at] + text[at + random.randint(1, 40) :]


def cut_off(random: Random, text: str) -> str:
    return text[: random.randrange(len(text) + 1)]


def nest_deeply(random: Random, text: str) -> str:
    depth = random.choice([3, 30, 63, 64, 65, 200, 3000])
    opening, closing = random.choice([("[", "]"), ("{a: ", "}"), ("- ", "")])
    return text + f"tags: {opening * depth}{closing * depth}\n"


def make_huge(random: Random, text: str) -> str:
    return random.choice(
        [
            text + "description: " + "long " * 20_000 + "\n",
            text + "tags: [" + "a, " * 30_000 + "b]\n",
            text + "# padding\n" * 60_000,
            text + "x" * 100_000 + ": 1\n",
            "a: &a [1, 1, 1, 1, 1, 1]\nb: &b [*a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b]\n"
            "d: &d [*c, *c, *c, *c, *c, *c]\ne: [*d, *d, *d, *d, *d, *d]\n" + text,
            text + "&a x: *a\n",
            text + "".join(f"k{i}: {i}\n" for i in range(2_000)),
        ]
    )


def encode_otherwise(random: Random, text: str) -> bytes:
    encoding = random.choice(["utf-16", "utf-16-le", "utf-32", "latin-1", "cp1252", "utf-8-sig", "utf-7"])
    return (text + "# é ü ñ\n").encode(encoding, "replace")


def end_lines_otherwise(random: Random, text: str) -> bytes:
    return text.replace("\n", random.choice(["\r\n", "\r", "\n\r", "\x0b", "\u2028", "\x85"])).encode()


def sprinkle_bytes(random: Random, text: str) -> bytes:
    raw = bytearray(text.encode())
    for _ in range(random.randint(1, 5)):
        raw.insert(random.randrange(len(raw) + 1), random.choice([0, 1, 7, 27, 127, 128, 192, 237, 254, 255]))
    return bytes(raw)


def only_bytes(random: Random, text: str) -> bytes:
    return random.randbytes(min(len(text), random.choice([0, 1, 50, 2_000])))


def another_document(random: Random, text: str) -> str:
    return random.choice([text + "---\n" + text, "---\n" + text, text + "...\n", "%YAML 1.1\n---\n" + text, text * 2])


# How often each is tried: what people do most, most; what takes half a second to read, seldom.
MUTATIONS: dict[Mutation, float] = {
    delete_lines: 3,
    double_lines: 3,
    swap_lines: 3,
    rename_key: 8,
    retype_value: 12,
    break_indentation: 4,
    dedent_all: 1,
    insert_text: 4,
    delete_text: 4,
    cut_off: 1,
    nest_deeply: 1,
    make_huge: 0.5,
    encode_otherwise: 1,
    end_lines_otherwise: 1,
    sprinkle_bytes: 2,
    only_bytes: 1,
    another_document: 1,
}


def mutated(seed: int, texts: list[str]) -> bytes:
    """One of the texts with one to three things wrong with it. The same seed is the same text."""
    random = Random(seed)
    text = random.choice(texts)
    for mutation in random.choices([*MUTATIONS], [*MUTATIONS.values()], k=random.choice([1, 1, 1, 2, 3])):
        outcome = mutation(random, text)
        if isinstance(outcome, bytes):
            return outcome
        text = outcome
    return text.encode("utf-8", "surrogatepass")


def odd_overrides(seed: int) -> list[str]:
    """Arguments of `--set` that nobody should type."""
    random = Random(seed)
    keys = ["training.learning_rate", "data.sources[0].path", "data.sources[9]", "preprocessing[0]", "expect.a.delta",
            "a", "", ".", "[0]", "training", "model.base", "extends", "variables.x", "split.fractions.train", "a[b]",
            "training..lora", "evaluation.evaluators.bertscore", "generation.arms[1]", "prompt.system"]  # fmt: skip
    parts = (f"{random.choice(keys)}{random.choice(['=', '=', '=', '==', ' = ', '', ':'])}{random.choice(_NASTY)}"
             for _ in range(random.randint(1, 3)))  # fmt: skip
    return [part for override in parts for part in ("--set", override)]
