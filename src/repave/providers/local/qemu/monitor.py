"""QEMU's own word, over QMP: one question, one answer, within a time."""

import asyncio
import os
from pathlib import Path

from repave.providers.local.settings import MONITOR_SECONDS


class Silent(Exception):
    """QEMU did not answer in time, or not at all."""


def ask(folder: Path, socket: str, command: str) -> dict[str, object]:
    """The answer to a command without arguments; ``socket`` is the name of a file in ``folder``. Raises Silent."""
    try:
        descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise Silent(str(error)) from error
    from qemu.qmp import QMPError  # noqa: PLC0415 - who runs no machine has no use for it

    try:
        # By way of the open folder: the path of a socket may have 107 bytes, which the folder's own could exceed.
        return asyncio.run(_asked(f"/proc/self/fd/{descriptor}/{socket}", command))
    except (QMPError, OSError, EOFError, TimeoutError) as error:  # EOFError: QEMU ended while it was asked
        raise Silent(str(error) or f"no answer within {MONITOR_SECONDS:.0f} s") from error
    finally:
        os.close(descriptor)


async def _asked(address: str, command: str) -> dict[str, object]:
    from qemu.qmp import QMPClient  # noqa: PLC0415 - the same

    client = QMPClient()
    async with asyncio.timeout(MONITOR_SECONDS):
        await client.connect(address)
        try:
            answer = await client.execute(command)
        finally:
            await client.disconnect()
    return answer if isinstance(answer, dict) else {}
