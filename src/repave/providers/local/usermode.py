"""Without root: user-mode networking by slirp4netns, a process per instance that carries its traffic.

The instance's port is reached at a loopback address of its own, 127.x.y.z, on this machine only. The instance itself
reaches what this user can reach, this machine's loopback excepted: slirp4netns has no switch against that.
"""

import json
import socket
from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path

from repave.ports.clock import Clock
from repave.ports.errors import Unreachable
from repave.providers.local.addresses import choose_address, loopback_network
from repave.providers.local.errors import mapped
from repave.providers.local.guarded import Guarded
from repave.providers.local.mapping import Record
from repave.providers.local.places import Places
from repave.providers.local.processes import Process, identify, started_with
from repave.scratch.whole import write_whole

READY_ATTEMPTS = 100
READY_SECONDS = 0.05
"""Five seconds for slirp4netns to open its control socket; it takes a few hundredths."""

ANSWER_BYTES = 65536
ANSWER_SECONDS = 2.0
"""It takes milliseconds; one that takes this long hangs, or this machine does."""


class UserModeNetwork:
    """Implements the network protocol without root."""

    def __init__(self, *, places: Places, clock: Clock, guarded: Guarded) -> None:
        self._places = places
        self._clock = clock
        self._guarded = guarded

    @property
    def needs_connection(self) -> bool:
        """Yes: what carries the traffic starts after the process."""
        return True

    def allocate(self, taken: tuple[str, ...]) -> str:
        """A loopback address none of ``taken``; see the protocol."""
        subnet: IPv4Network = loopback_network(self._places.token)
        try:
            last = json.loads(self._places.network.read_bytes())["last"]
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            last = ""  # the first, or what a loss of power emptied: addresses go round from the beginning
        address = choose_address(subnet, taken, last)
        write_whole(self._places.network, json.dumps({"subnet": str(subnet), "last": address}).encode())
        return address

    def open(self) -> None:
        """Nothing is shared."""

    def close(self) -> None:
        """Nothing is shared."""

    def prepare(self, record: Record) -> Path | None:
        """Nothing: runc makes the namespace."""
        del record
        return None

    def connect(self, record: Record, process: Process) -> Process | None:
        """Carry the traffic of the process's network namespace; see the protocol."""
        control = self._control(record)
        control.unlink(missing_ok=True)
        with mapped(f"connecting {record.slot} of {record.fleet}"):
            arguments = ["--configure", "--mtu=65520", "--disable-host-loopback", "--disable-dns"]
            pid = self._guarded.leave(
                ["slirp4netns", *arguments, "--api-socket", str(control), str(process.pid), "tap0"]
            )
            forwarder = identify(pid)
            self._forward(record, control, forwarder)
        return forwarder

    def release(self, record: Record) -> None:
        """End the process that carries the traffic, recorded or not; it is found by its control socket."""
        control = self._control(record)
        for forwarder in (record.forwarder, *started_with("slirp4netns", str(control))):
            if forwarder is not None:
                forwarder.stop(patience_seconds=0)
        control.unlink(missing_ok=True)

    def _forward(self, record: Record, control: Path, forwarder: Process | None) -> None:
        forward = {
            "proto": "tcp",
            "host_addr": record.address,
            "host_port": record.port,
            "guest_port": record.port,
        }
        request: Mapping[str, object] = {"execute": "add_hostfwd", "arguments": forward}
        if record.port is None:  # nobody comes in; that it answers says that the way out is there
            request = {"execute": "list_hostfwd"}
        for _ in range(READY_ATTEMPTS):
            if forwarder is None or not forwarder.alive:
                break
            answer = _ask(control, request)
            if answer is None:
                self._clock.sleep(READY_SECONDS)
            elif "error" in answer:
                raise Unreachable(
                    f"{record.slot} of {record.fleet} cannot be reached at {record.address}:{record.port}: "
                    f"slirp4netns answered {answer['error']}",
                    hint="a port below 1024 cannot be used without root",
                )
            else:
                return
        raise Unreachable(
            f"{record.slot} of {record.fleet} has no network: slirp4netns did not start",
            hint="it needs /dev/net/tun to be writable for this user: `repave doctor` tries it",
        )

    def _control(self, record: Record) -> Path:
        return self._places.runtime / f"{record.instance}.sock"


def _ask(control: Path, request: object) -> dict[str, object] | None:
    """One request to the control socket; None while nobody answers there. Raises TimeoutError where somebody hangs."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(ANSWER_SECONDS)
        try:
            connection.connect(str(control))
            connection.sendall(json.dumps(request).encode())
            connection.shutdown(socket.SHUT_WR)
            answer: dict[str, object] = json.loads(connection.recv(ANSWER_BYTES))
        except TimeoutError:
            raise
        except (OSError, ValueError):  # it is not there yet, or ended over the answer
            return None
        return answer
