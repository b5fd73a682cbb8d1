"""A child process: files of a repository on the Hugging Face hub -> its snapshot in the hub's own cache.

    python -m resep.models.fetch_hub

Request: {"repo", "revision", "patterns", "weights"}; leaves result.json: {"folder"}.

Of the weights, those are fetched that transformers will read: what model.safetensors.index.json names, else
model.safetensors. A repository may hold them a second time under another name (consolidated.safetensors, as
Mistral-7B-Instruct-v0.3 does), as pickles, or for other libraries in folders below.

A child, because huggingface_hub reads its environment when it is imported and imports half a second of other things.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from resep import events
from resep.digests import write_json
from resep.errors import ResepError
from resep.models.weights import weight_names

_UNREACHED = (
    "it is not in the hub's cache and the hub could not be reached: connect once, unset HF_HUB_OFFLINE, "
    "or use the embedded smollm2-135m-instruct"
)


def fetch(request: Mapping[str, Any]) -> None:
    """Download what is missing of the snapshot and name its folder in `result.json`."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    repo, revision = request["repo"], request["revision"]
    events.emit("progress", done=0, total=1, unit="repositories", message=f"{repo} at {revision}")
    try:
        folder = Path(snapshot_download(repo, revision=revision, allow_patterns=request["patterns"]))
        if request["weights"]:
            _fetch_weights(folder, lambda names: snapshot_download(repo, revision=revision, allow_patterns=names))
    except GatedRepoError as error:
        raise ResepError("the hub asks you to accept its licence first, then `hf auth login`") from error
    except RevisionNotFoundError as error:
        raise ResepError(f"the hub has no revision {revision}: copy a commit from the repository's page") from error
    except RepositoryNotFoundError as error:
        raise ResepError("the hub has no such repository, or it is private (`hf auth login`)") from error
    except LocalEntryNotFoundError as error:
        raise ResepError(_UNREACHED) from error
    except (HfHubHTTPError, OSError) as error:
        raise ResepError(f"the hub's download failed: {error}") from error
    write_json(Path("result.json"), {"folder": str(folder)})
    events.emit("progress", done=1, total=1, unit="repositories", message=f"{repo} at {revision}")


def _fetch_weights(folder: Path, download: Callable[[list[str]], object]) -> None:
    """Raises ResepError where they are not here and the hub must not be asked."""
    from huggingface_hub.constants import HF_HUB_OFFLINE

    names = weight_names(folder)
    if HF_HUB_OFFLINE and not all((folder / name).exists() for name in names):
        raise ResepError(f"its weights ({', '.join(names[:3])}): {_UNREACHED}")
    download(names)


if __name__ == "__main__":
    events.work(fetch)
