"""A child process: files of a repository on the Hugging Face hub -> its snapshot in the hub's own cache.

    python -m resep.models.fetch_hub  request: {"repo", "revision", "patterns"}; leaves result.json: {"folder"}

A child, because huggingface_hub reads its environment when it is imported and imports half a second of other things.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from resep import events
from resep.digests import write_json
from resep.errors import ResepError


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
    except GatedRepoError as error:
        raise ResepError("the hub asks you to accept its licence first, then `hf auth login`") from error
    except RevisionNotFoundError as error:
        raise ResepError(f"the hub has no revision {revision}: copy a commit from the repository's page") from error
    except RepositoryNotFoundError as error:
        raise ResepError("the hub has no such repository, or it is private (`hf auth login`)") from error
    except LocalEntryNotFoundError as error:
        raise ResepError(
            "it is not in the hub's cache and the hub could not be reached: connect once, unset HF_HUB_OFFLINE, "
            "or use the embedded smollm2-135m-instruct"
        ) from error
    except (HfHubHTTPError, OSError) as error:
        raise ResepError(f"the hub's download failed: {error}") from error
    write_json(Path("result.json"), {"folder": str(folder)})
    events.emit("progress", done=1, total=1, unit="repositories", message=f"{repo} at {revision}")


if __name__ == "__main__":
    events.work(fetch)
