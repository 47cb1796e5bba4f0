"""The program that ``stage`` starts in the container's network: it listens where the endpoints are, and becomes runc.

The sockets go to ``stage``, which stands outside of this network: ``entering HANDLE HOST|PORT... -- PROGRAM...``.
Where it cannot listen, ``stage`` is told why instead, and nothing is run.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterable
from ipaddress import ip_address

LISTENING = b"."
"""Comes with the sockets; anything else says why there are none."""

IPV4 = 4


def main() -> None:
    """Listen, hand over, become the program."""
    handle, *rest = sys.argv[1:]
    split = rest.index("--")
    endpoints, program = [endpoint.split("|") for endpoint in rest[:split]], rest[split + 1 :]
    with socket.socket(fileno=int(handle)) as stage:
        try:
            _have_addresses({host for host, _ in endpoints})
            listeners = [_listener(host, int(port)) for host, port in endpoints]
        except (OSError, subprocess.CalledProcessError, ValueError) as error:
            said = getattr(error, "stderr", b"") or b""
            stage.sendall(f"{error} {said.decode(errors='replace')}".strip().encode())
            sys.exit(1)
        socket.send_fds(stage, [LISTENING], [listener.fileno() for listener in listeners])
    for listener in listeners:
        listener.close()
    os.execvp(program[0], program)  # noqa: S606 - no shell is wanted


def _have_addresses(hosts: Iterable[str]) -> None:
    """Each of them once: this network has none but loopback's."""
    _ip("link", "set", "lo", "up")
    for host in hosts:
        if not ip_address(host).is_loopback:
            _ip("addr", "add", host, "dev", "lo")


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET if ip_address(host).version == IPV4 else socket.AF_INET6
    return socket.create_server((host, port), family=family)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


if __name__ == "__main__":
    main()
