"""Several threads at one picture, or at several: kernels release the interpreter lock."""

from __future__ import annotations

import functools
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

Item = TypeVar("Item")
Result = TypeVar("Result")


def default_threads() -> int:
    """Processors this process may use, at most 8; OMP_NUM_THREADS or NUMBA_NUM_THREADS lower it."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = [int(v) for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS") if (v := os.environ.get(name, "")).isdigit()]
    return max(1, min(available, 8, *wanted))


def deal(work: Callable[[int, int], None], threads: int) -> None:
    """Call `work(first, step)` so that items first, first + step, ... of all calls are each done once."""
    if threads == 1:
        work(0, 1)
        return
    others = [_pool().submit(work, k, threads) for k in range(1, threads)]
    work(0, threads)
    for future in others:
        future.result()


def map_ahead(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """`map` in order, `threads` items at a time; at most one more than that is held."""
    if threads == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        pending: deque[Future[Result]] = deque()
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) > threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(default_threads(), thread_name_prefix="slp-mouthing-render")


if hasattr(os, "register_at_fork"):
    # Threads do not live on in a forked child; it makes its own.
    os.register_at_fork(after_in_child=_pool.cache_clear)
