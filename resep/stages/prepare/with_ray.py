"""Batches through one pass on a Ray cluster (`compute.data_engine: ray`): the same function, in the same order."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from typing import Any

from resep.errors import ResepError
from resep.stages.prepare.plan import Plan
from resep.stages.prepare.shard import Shard
from resep.stages.prepare.work import Job

_JOBS_AT_ONCE = 64  # handed over together: what the driver holds of the input


def in_order_with_ray(plan: Plan, number: int, jobs: Iterable[Job]) -> Iterator[Shard]:
    """The shard of every job, in order. Raises ResepError where Ray is not installed or a job fails."""
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ResepError("compute.data_engine: ray needs Ray: pip install 'resep[ray]'") from error
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.WARNING)
    if not ray.is_initialized():  # the cluster that RAY_ADDRESS names, else one of this machine's cores
        ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.WARNING)
    settings = ray.data.DataContext.get_current()
    settings.execution_options.preserve_order = True
    settings.enable_progress_bars = False
    recipe = pickle.dumps((plan, number))
    jobs = iter(jobs)
    while some := list(islice(jobs, _JOBS_AT_ONCE)):
        handed = ray.data.from_items([{"job": pickle.dumps(job)} for job in some], override_num_blocks=len(some))
        for done in handed.map(_do, fn_kwargs={"recipe": recipe}).iter_rows():
            result = pickle.loads(done["shard"])
            if isinstance(result, ResepError):
                raise result
            yield result


def _do(row: dict[str, Any], recipe: bytes) -> dict[str, Any]:
    """On a worker: one batch. A user's mistake travels back as a value; Ray would wrap it in a page of its own."""
    try:
        result: object = _worker(recipe)(pickle.loads(row["job"]))
    except ResepError as error:
        result = ResepError(str(error))
    return {"shard": pickle.dumps(result)}


@cache
def _worker(recipe: bytes) -> Any:
    from resep.stages.prepare.workers import far_worker

    return far_worker(*pickle.loads(recipe))
