"""Processes that render jobs, and outlive what happens to them: killed workers, a killed parent."""

from __future__ import annotations

import concurrent.futures
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections import deque
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

Job = TypeVar("Job")
Outcome = TypeVar("Outcome")


class Workers(Generic[Job, Outcome]):
    """`count` processes that call `work` on jobs. `setup` runs once in each; both must be picklable."""

    def __init__(self, count: int, setup: Callable[[], None], work: Callable[[Job], Outcome]) -> None:
        self.count, self.setup, self.work = count, setup, work

    def run(self, jobs: Iterable[Job]) -> Generator[tuple[Job, Outcome | None], None, None]:
        """Jobs with what became of them, as they end. A job that kills its worker (out of memory, a crash) has None."""
        waiting = deque(jobs)
        while waiting:
            lost = yield from self._pool(waiting, self.count)
            # Nobody knows which of them was the cause: each runs again, alone.
            for job in lost:
                if (yield from self._pool(deque([job]), 1)):
                    yield job, None

    def _pool(self, queue: deque[Job], count: int) -> Generator[tuple[Job, Outcome | None], None, list[Job]]:
        """Work on the queue until it is empty or a worker dies. Returns the jobs that ran when that happened."""
        running: dict[concurrent.futures.Future[Outcome], Job] = {}
        # spawn: forking a process that has threads (the progress bar's) can hang.
        context = multiprocessing.get_context("spawn")
        executor = concurrent.futures.ProcessPoolExecutor(count, context, initializer=_start, initargs=(self.setup,))
        try:
            while queue or running:
                while queue and len(running) < 2 * count:
                    running[executor.submit(self.work, queue[0])] = queue[0]
                    queue.popleft()
                finished, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in finished:
                    outcome = future.result()
                    yield running.pop(future), outcome
        except BrokenProcessPool:
            return list(running.values())
        finally:
            executor.shutdown(cancel_futures=True)
        return []


def _start(setup: Callable[[], None]) -> None:
    # Ctrl-C reaches the whole group: the parent decides what happens.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    setup()


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = multiprocessing.parent_process()
    if parent:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)
