"""What tests want to know of processes that are not their own."""

import os
from pathlib import Path


def is_alive(pid: int) -> bool:
    """Whether a process still runs. One that has ended but was not yet collected by its parent does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")
