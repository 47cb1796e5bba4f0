"""QEMU's own word, over QMP: one question, one answer, within a time."""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from repave.providers.local.settings import MONITOR_SECONDS, SAVE_SECONDS

if TYPE_CHECKING:
    from qemu.qmp import QMPClient

Answer = TypeVar("Answer")


class Silent(Exception):
    """QEMU did not answer in time, or not at all."""


UNLIMITED = 1 << 40
"""Bytes each second, more than any disk takes: QEMU's own limit is for networks."""

LOOK_SECONDS = 0.02


def ask(folder: Path, socket: str, command: str) -> dict[str, object]:
    """The answer to a command without arguments; ``socket`` is the name of a file in ``folder``. Raises Silent."""

    async def asked(client: "QMPClient") -> dict[str, object]:
        answer = await client.execute(command)
        return answer if isinstance(answer, dict) else {}

    return _talk(folder, socket, asked, seconds=MONITOR_SECONDS)


def save(folder: Path, socket: str, into: int) -> None:
    """Write the machine's memory into an open file. From then on the machine and its disks stand still.

    Raises Silent, also for what QEMU cannot save.
    """

    async def saved(client: "QMPClient") -> str:
        await client.execute("migrate-set-parameters", {"max-bandwidth": UNLIMITED})
        client.send_fd_scm(into)
        await client.execute("getfd", {"fdname": "memory"})
        await client.execute("migrate", {"uri": "fd:memory"})
        return await _migrated(client)

    found = _talk(folder, socket, saved, seconds=SAVE_SECONDS)
    if found != "completed":
        raise Silent(f"the memory was not saved: {found}")


async def _migrated(client: "QMPClient") -> str:
    import asyncio  # noqa: PLC0415 - who runs no machine has no use for it

    while True:
        answer = await client.execute("query-migrate")
        told = answer if isinstance(answer, dict) else {}
        if told.get("status") in {"completed", "failed"}:
            return str(told.get("error-desc", told["status"]))
        await asyncio.sleep(LOOK_SECONDS)


def _talk(folder: Path, socket: str, talk: Callable[["QMPClient"], Awaitable[Answer]], *, seconds: float) -> Answer:
    """What comes of a talk with QEMU. Raises Silent where it ends too early, or takes too long."""
    try:
        descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise Silent(str(error)) from error
    import asyncio  # noqa: PLC0415 - who runs no machine has no use for it

    from qemu.qmp import QMPClient, QMPError  # noqa: PLC0415 - who runs no machine has no use for it

    async def talked() -> Answer:
        client = QMPClient()
        async with asyncio.timeout(seconds):
            # By way of the open folder: the path of a socket may have 107 bytes, which the folder's own could exceed.
            try:
                await client.connect(f"/proc/self/fd/{descriptor}/{socket}")
            except AssertionError as impossible:
                # QEMU ended in the very moment: the library, which takes that for impossible, is left half connected.
                await client.disconnect()
                raise EOFError from impossible
            try:
                return await talk(client)
            finally:
                await client.disconnect()

    try:
        return asyncio.run(talked())
    except (QMPError, OSError, EOFError, TimeoutError) as error:  # EOFError: QEMU ended while it was asked
        raise Silent(str(error) or f"no answer within {seconds:.0f} s") from error
    finally:
        os.close(descriptor)
