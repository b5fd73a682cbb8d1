"""Turn a response text into an ordered list of steps, so that it trains and is judged as steps.

field: which field holds the text; one that is a list already stays, and so do conversations (messages)
minimum: how many steps there must be for the text to become a list
otherwise: keep a row with fewer steps as it was, or drop it
around: keep text before or after the steps by joining it to the first or last one, or drop it

Read are JSON lists of texts, numbered and bulleted lines, numbers within a line, and sentences that begin with a
connective (first, then, finally; pertama, lalu, terakhir) or with an instruction (open, press; buka, tekan); other
sentences join the step before them. Numbers, bullets and connectives go, for the order says it; no other word is lost:
a text that cannot be split so, that holds code, or that is mostly no list (over 30 words around fewer) stays as it was.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from resep import Row, parse_steps
from resep.errors import ResepError
from resep.steps import split_marker

Parts = tuple[str, list[str], str]  # the text before the steps, the steps, the text after them

_INLINE_START = re.compile(r"(?:^|(?<=\s))(?:(?:step|langkah)\s+)?1[.):]\s", re.IGNORECASE)
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"')\]”]?\s+| ?\n\s*")
_NO_END = re.compile(
    r"(?:^|[\s(])(?:e\.g|i\.e|etc|vs|no|nos|fig|approx|min|max|mr|mrs|ms|dr|st|dll|dsb|mis|hlm|[a-z]|\d+)\.$",
    re.IGNORECASE,
)
_MOST_AROUND = 30  # words around a list that is shorter itself
_LONGEST_NO_END = 12
_ENDS = (".", "!", "?", "…", '"', "'", ")", "]", "”")
# "first class", "next week", "pertama kali" are no connectives.
_FIRST = (
    r"(?:first(?:ly| of all)?(?! (?:class|time|name|aid|floor|day|week|month|year|one|two|few)\b)"
    r"|pertama(?:-tama)?(?! kali\b))"
)
_LATER = (
    r"(?:second(?:ly)?(?=,)|third(?:ly)?(?=,)|then|next(?! (?:week|month|year|time|day|to|door)\b)|after that"
    r"|afterwards|finally|lastly|lalu|kemudian|selanjutnya|berikutnya|setelah itu|sesudah itu|kedua(?=,)|ketiga(?=,)"
    r"|terakhir(?! kali\b)|akhirnya)"
)
_CONNECTIVE = re.compile(rf"(?:(?:and|dan) )?(?:(?P<first>{_FIRST})|{_LATER})(?:\s*[,:]\s*|\s+)(?=\w)", re.IGNORECASE)
_WITHIN = re.compile(
    r"(?:[,;]\s*(?:and |dan )?|\s+(?=and then\b))(?=(?:and )?(?:then|finally|lalu|kemudian)\b)", re.IGNORECASE
)
_CONDITION = re.compile(r"(?:if|when|once|unless|jika|kalau|bila|apabila|ketika|saat)\b", re.IGNORECASE)
_VERBS = (
    "add aduk aktifkan allow ambil angkat apply arrange attach atur avoid bake begin bersihkan boil bring browse "
    "buat build buka call cancel cari cek centang change check choose clean clear click close combine complete "
    "confirm connect cook copy cover create cuci cut delete disable disconnect do download drag drain dry enable "
    "ensure enter fill find fold follow fry ganti gather geser give go goreng gunakan hapus heat hold hubungi "
    "hubungkan ikuti insert install isi jalankan keep kembali ketik ketuk kirim klik konfirmasi lakukan launch "
    "leave lepaskan let lift lihat locate log look make masuk masukkan matikan measure mix move muat navigate "
    "nyalakan open panaskan pasang paste pastikan periksa pick pilih pindahkan place plug potong pour prepare "
    "press provide pull push put read reboot rebus remove repeat replace reset restart return review rinse run "
    "sajikan salin sambungkan save scan scroll season select send serve set shut sign simmer simpan sprinkle "
    "start stir stop store submit switch take tambahkan tap tarik taruh tekan test tighten toggle transfer try "
    "tuang tunggu turn tutup type ubah ulangi unduh unggah unplug update upload use verify visit wait wash whisk "
    "write "
)
_POLITE = (
    r"(?:please |silakan |do not |don't |jangan |carefully |(?:you|anda|kamu) "
    r"(?:(?:should|can|must|will|need to|have to|harus|perlu|bisa|dapat) )?)?"
)
_INSTRUCTION = re.compile(rf"{_POLITE}(?:{'|'.join(_VERBS.split())})\b(?!['\u2019])", re.IGNORECASE)


def process_rows(
    rows: Iterable[Row],
    *,
    field: str = "response",
    minimum: int = 2,
    otherwise: Literal["keep", "drop"] = "keep",
    around: Literal["keep", "drop"] = "keep",
) -> Iterator[Row]:
    if minimum < 1:
        raise ResepError(f"preprocessing.split_steps: minimum is {minimum}; a list has 1 step or more")
    for row in rows:
        text = row.fields.get(field)
        if not isinstance(text, str):
            yield row
            continue
        steps = split_steps(text, around == "keep")
        if len(steps) >= minimum:
            yield replace(row, fields={**row.fields, field: steps})
        elif otherwise == "drop":
            yield replace(row, dropped=f"{field} has {len(steps)} steps, fewer than {minimum}")
        else:
            yield row


def split_steps(text: str, keep_around: bool = True) -> list[str]:
    """The steps of a text, or none where it does not read as steps."""
    before, steps, after = _list_parts(text) or _sentence_parts(text)
    if len(f"{before} {after}".split()) > max(_MOST_AROUND, len(" ".join(steps).split())):
        return []  # a document that also holds a list
    if steps and keep_around:
        steps[0] = f"{before} {steps[0]}".strip()
        steps[-1] = f"{steps[-1]} {after}".strip()
    return steps


def _list_parts(text: str) -> Parts | None:
    """The parts of a written list, or None where there is none or where reading it would lose a word."""
    form = parse_steps(text).form
    if form in {"lines", "empty"}:
        return None
    if "```" in text:
        return "", [], ""
    before, body, after = "", text, ""
    if form == "inline" and (start := _INLINE_START.search(text)):
        before, body = text[: start.start()], text[start.start() :]
    elif form in {"numbered", "bulleted"}:
        before, body, after = _around_lines(text.splitlines())
    read = parse_steps(body)
    if read.form != form or _words(body) != _words(" ".join(read.steps)):
        return "", [], ""
    return " ".join(before.split()), list(read.steps), " ".join(after.split())


def _around_lines(lines: list[str]) -> tuple[str, str, str]:
    """Before the first marked line, the list without its blank lines, and the paragraphs after its last item."""
    marked = [index for index, line in enumerate(lines) if split_marker(line)[0]]
    end = marked[-1] + 1
    while end < len(lines) and lines[end].strip():
        end += 1
    while end < len(lines) and (not lines[end].strip() or lines[end][0].isspace()):
        end += 1
    # Without blank lines parse_steps takes what stands between two items for a part of the first.
    body = [line for line in lines[marked[0] : end] if line.strip()]
    return "\n".join(lines[: marked[0]]), "\n".join(body), "\n".join(lines[end:])


def _words(text: str) -> list[str]:
    words = re.findall(r"[^\W_]+", text.casefold())
    return [word for word in words if not word.isdigit() and word not in {"step", "langkah"}]


def _sentence_parts(text: str) -> Parts:
    """A step begins at a sentence with a connective or an instruction; the sentences after it join it."""
    nothing: Parts = ("", [], "")
    if "```" in text:
        return nothing
    sentences = [part for sentence in _sentences(text) for part in _clauses(sentence)]
    connectives = [_CONNECTIVE.match(sentence) for sentence in sentences]
    said = [_capital(s[c.end() :]) if c else s for s, c in zip(sentences, connectives, strict=True)]
    instructing = [bool(_INSTRUCTION.match(sentence)) for sentence in said]
    opening = [bool(c) or instructs for c, instructs in zip(connectives, instructing, strict=True)]
    found = [match for match in connectives if match]
    if not _reads_as_steps(opening, instructing, len(found)):
        return nothing
    # "Open the app. Then ...": without a "first", the sentence before "then" is a step whatever it begins with.
    if found and not found[0].group("first") and not any(opening[: connectives.index(found[0])]):
        opening[0] = True
    before: list[str] = []
    steps: list[str] = []
    for sentence, opens in zip(said, opening, strict=True):
        if opens:
            steps.append(sentence)
        elif steps:
            steps[-1] += f" {sentence}"
        else:
            before.append(sentence)
    return " ".join(before), steps, ""


def _reads_as_steps(opening: list[bool], instructing: list[bool], connectives: int) -> bool:
    """Half of the openings instruct (an essay also says first and finally); without connectives, so does the text."""
    if not any(instructing) or 2 * sum(instructing) < sum(opening):
        return False
    return connectives > 0 or (opening[0] and 2 * sum(opening) > len(opening))


def _sentences(text: str) -> list[str]:
    """Sentences with their white space made single. A line ends one, unless the next goes on in small letters."""
    text = re.sub(r"[^\S\n]+", " ", text)
    wrapped = any(char.isupper() for char in text)
    sentences: list[str] = []
    start = 0
    for end in _SENTENCE_END.finditer(text):
        # The last characters are enough, and all of the sentence would take long where none ends.
        said = text[max(start, end.start() - _LONGEST_NO_END) : end.end()].strip()
        new_line = "\n" in end.group()
        goes_on = new_line and wrapped and text[end.end() : end.end() + 1].islower() and not said.endswith(_ENDS)
        if goes_on or (not new_line and _NO_END.search(said)):
            continue
        sentences.append(text[start : end.end()])
        start = end.end()
    sentences.append(text[start:])
    return [" ".join(sentence.split()) for sentence in sentences if sentence.strip()]


def _clauses(sentence: str) -> list[str]:
    """`Open it, then close it` in two; `If it fails, then close it` is one."""
    if _CONDITION.match(sentence) or not (_INSTRUCTION.match(sentence) or _CONNECTIVE.match(sentence)):
        return [sentence]
    return [part for part in _WITHIN.split(sentence) if part.strip()]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
