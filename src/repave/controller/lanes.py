"""Independent pieces of work, several at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Answer = TypeVar("Answer")


def run_lanes(lanes: Sequence[Callable[[], Answer]], parallel: int) -> list[Answer]:
    """Run all, at most ``parallel`` at once (1: one after another, in this thread); answers in their order.

    When one raises, those under way are waited for, the rest is not begun, and the error goes on.
    """
    if parallel == 1 or len(lanes) == 1:
        return [lane() for lane in lanes]
    with ThreadPoolExecutor(max(1, min(parallel, len(lanes)))) as pool:
        futures = [pool.submit(lane) for lane in lanes]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
