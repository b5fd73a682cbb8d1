"""Batches through one pass on one core, on several, or on several machines, always in the order in which they came.

The work is a pure function of the batch, so the result is the same to the byte, whoever does it.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait

from resep.errors import ResepError
from resep.private_digests import share_private_key
from resep.stages.prepare.plan import Plan
from resep.stages.prepare.shard import Shard
from resep.stages.prepare.work import Job, worker

_WINDOW = 3  # batches under way per worker: enough that none waits, few enough that memory stays flat


def in_order(plan: Plan, number: int, jobs: Iterable[Job], cores: int, engine: str) -> Iterator[Shard]:
    """The shard of every job, in the order of the jobs. `engine` is local or ray; `cores` matter for local only."""
    if engine == "ray":
        from resep.stages.prepare.with_ray import in_order_with_ray

        yield from in_order_with_ray(plan, number, jobs)
    elif cores > 1:
        yield from _in_processes(plan, number, jobs, cores)
    else:
        yield from map(worker(plan, number), jobs)


def _in_processes(plan: Plan, number: int, jobs: Iterable[Job], cores: int) -> Iterator[Shard]:
    # Spawned, not forked: the runner has threads, and a lock that one of them holds would stay held in a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(cores, context, initializer=_begin, initargs=(plan, number)) as pool:
        under_way: deque[Future[Shard]] = deque()
        try:
            for job in jobs:
                under_way.append(pool.submit(_do, job))
                if len(under_way) >= cores * _WINDOW:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        except BrokenProcessPool as error:
            message = "a process that prepared rows was ended from outside, perhaps for lack of memory; run it again: "
            raise ResepError(f"{message}it goes on where it was. RESEP_WORKERS=1 takes the least memory") from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def without_collector() -> Iterator[None]:
    """Rows are lists and maps without cycles: to look for cycles among them takes a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


_function: Callable[[Job], Shard]


def _begin(plan: Plan, number: int) -> None:
    """In a new process: end with the parent, however that dies, and understand the steps once."""
    global _function
    parent = multiprocessing.parent_process()
    assert parent is not None
    threading.Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()
    gc.disable()  # for the life of the process, as in without_collector
    _function = far_worker(plan, number)


def far_worker(plan: Plan, number: int) -> Callable[[Job], Shard]:
    """The worker of a process that was started for it, perhaps on a machine that has no key of its own."""
    if plan.private:
        share_private_key(plan.private[0])
    return worker(plan, number)


def _do(job: Job) -> Shard:
    return _function(job)
