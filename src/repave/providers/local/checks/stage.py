"""The program that ``running`` starts in namespaces of its own: it lays out one check, runs it, and tells what came.

As the first process of its process namespace it takes the container with it, however it ends; its mounts are seen by
nobody else, and gone with it. The container gets a network in which nothing is but the endpoints' own addresses; what
connects to one of them is carried, byte by byte, to the endpoint on this machine.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from base64 import b64decode
from contextlib import suppress
from pathlib import Path
from typing import Any

from repave.providers.local.checks.entering import LISTENING
from repave.providers.local.checks.jobs import Answer, Job

KEPT_BYTES = 64 * 1024
"""Of the output, its end: what a person reads."""

SAID_BYTES = 4096
"""Of why nothing could be run."""

READ_BYTES = 1 << 16
CONNECTIONS_MOST = 256
"""Carried at once; more wait."""


def main() -> None:
    """One job from standard input, its answer to output."""
    job = Job(**json.load(sys.stdin))
    os.umask(0o022)  # whatever ours is: the check is another user, who is to read what is laid out
    try:
        _lay_out(job)
        answer = asyncio.run(_Check(job).run())
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", b"") or b""
        answer = Answer(problem=f"{error} {said.decode(errors='replace')}".strip())
    json.dump(vars(answer), sys.stdout)


def _lay_out(job: Job) -> None:
    """Bundle, root filesystem and files, in memory of its own."""
    work = Path(job.work)
    _mount("-t", "tmpfs", "-o", f"mode=0755,size={job.room_bytes}", "check", job.work)
    for name in ("root", "bundle", "state"):
        (work / name).mkdir()
    options = f"ro,nodev,lowerdir={':'.join(job.layers)}"
    _mount("-t", "overlay", "-o", options, "check", f"{job.work}/root", folder=job.layers_folder)
    (work / "hosts").write_text(job.hosts)
    for name, content in job.files.items():
        place = work / "files" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b64decode(content))
        place.chmod(0o555)
    (work / "bundle" / "config.json").write_text(json.dumps(job.configuration))


def _mount(*arguments: str, folder: str | None = None) -> None:
    subprocess.run(["mount", *arguments], cwd=folder, check=True, capture_output=True)


class _Check:
    """One container, from its start until nothing of it runs."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._output = b""
        self._free = asyncio.Semaphore(CONNECTIONS_MOST)

    async def run(self) -> Answer:
        """Its exit code, or None where its time ran out."""
        ours, theirs = socket.socketpair()
        work = self._job.work
        runc = ["runc", "--root", f"{work}/state", "--log", f"{work}/runc.log", "--log-format", "json"]
        module = "repave.providers.local.checks.entering"
        process = await asyncio.create_subprocess_exec(
            *("unshare", "--net", "--", sys.executable, "-I", "-m", module, str(theirs.fileno())),
            *(f"{host}|{port}" for host, port in self._job.endpoints),
            "--",
            *(*runc, "run", "--bundle", f"{work}/bundle", self._job.container),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        said, listeners = await self._handed_over(ours)
        if said != LISTENING:
            await self._read(process)
            return Answer(problem=said.decode(errors="replace") or self._printed or "no network came to be")
        servers = await self._carry(listeners)
        code: int | None = None
        with suppress(TimeoutError):
            async with asyncio.timeout(self._job.timeout_seconds):
                await self._read(process)
                code = await process.wait()
        with suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)  # whatever else is in this namespace
        for server in servers:
            server.close()
        return Answer(exit_code=code, output=self._printed, problem=self._problem())

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """The end of it, from the beginning of a line: nobody recognises half a secret."""
        while process.stdout and (content := await process.stdout.read(READ_BYTES)):
            whole = self._output + content
            self._output = whole if len(whole) <= KEPT_BYTES else whole[-KEPT_BYTES:].partition(b"\n")[2]

    @property
    def _printed(self) -> str:
        return self._output.decode(errors="replace")

    async def _handed_over(self, ours: socket.socket) -> tuple[bytes, list[socket.socket]]:
        """What ``entering`` said, and its sockets; nothing said where it did not come so far."""
        with ours:
            loop, ready = asyncio.get_running_loop(), asyncio.Event()
            loop.add_reader(ours, ready.set)
            await ready.wait()
            loop.remove_reader(ours)
            said, handles, _, _ = socket.recv_fds(ours, SAID_BYTES, len(self._job.endpoints))
        return said, [socket.socket(fileno=handle) for handle in handles]

    async def _carry(self, listeners: list[socket.socket]) -> list[asyncio.Server]:
        """Take over the sockets that listen in the container's network."""
        return [
            await asyncio.start_server(self._carrier(host, port), sock=listener)
            for listener, (host, port) in zip(listeners, self._job.endpoints, strict=True)
        ]

    def _carrier(self, host: str, port: int) -> Any:  # noqa: ANN401 - asyncio's own callback
        async def carry(inside: asyncio.StreamReader, to_inside: asyncio.StreamWriter) -> None:
            async with self._free:
                try:
                    outside, to_outside = await asyncio.open_connection(host, port)
                except OSError:
                    to_inside.transport.abort()
                    return
                await asyncio.gather(_pour(inside, to_outside), _pour(outside, to_inside))

        return carry

    def _problem(self) -> str:
        """What runc says of itself: why no container came to be; empty when one did."""
        log = Path(self._job.work) / "runc.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        errors = [entry for entry in map(json.loads, lines) if entry.get("level") == "error"]
        return str(errors[-1]["msg"]) if errors else ""


async def _pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """All bytes of one direction, and its end."""
    with suppress(OSError):
        while content := await source.read(READ_BYTES):
            target.write(content)
            await target.drain()
        target.write_eof()


if __name__ == "__main__":
    main()
