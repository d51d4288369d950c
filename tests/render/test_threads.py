from __future__ import annotations

import threading
import time

import pytest

from slp_mouthing.render.threads import deal, default_threads, map_ahead


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_deal_does_each_item_once(threads: int) -> None:
    done: list[int] = []
    deal(lambda first, step: done.extend(range(first, 17, step)), threads)
    assert sorted(done) == list(range(17))


def test_deal_passes_errors_on() -> None:
    def fail(first: int, step: int) -> None:
        if first == 1:
            raise RuntimeError("from a thread")

    with pytest.raises(RuntimeError, match="from a thread"):
        deal(fail, 2)


@pytest.mark.parametrize("threads", [1, 3])
def test_map_ahead_keeps_the_order_and_holds_few(threads: int) -> None:
    taken = 0
    lock = threading.Lock()

    def items():
        nonlocal taken
        for k in range(40):
            with lock:
                taken += 1
            yield k

    def work(k: int) -> int:
        time.sleep(0.002 * (k % 3))
        return k * k

    for position, result in enumerate(map_ahead(work, items(), threads)):
        assert result == position**2
        assert taken <= position + 1 + threads


def test_the_environment_lowers_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert default_threads() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "nonsense")
    monkeypatch.setenv("NUMBA_NUM_THREADS", "4096")
    assert 1 <= default_threads() <= 8
