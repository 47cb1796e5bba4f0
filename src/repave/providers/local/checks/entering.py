"""The program that ``stage`` starts in the container's network: it listens where the endpoints are, and becomes runc.

The sockets go to ``stage``, which stands outside of this network: ``entering HANDLE HOST|PORT... -- PROGRAM...``.
"""

import os
import socket
import subprocess
import sys
from ipaddress import ip_address

IPV4 = 4


def main() -> None:
    """Listen, hand over, become the program."""
    handle, *rest = sys.argv[1:]
    split = rest.index("--")
    endpoints, program = rest[:split], rest[split + 1 :]
    _ip("link", "set", "lo", "up")
    listeners = [_listener(*endpoint.rsplit("|", 1)) for endpoint in endpoints]
    with socket.socket(fileno=int(handle)) as stage:
        socket.send_fds(stage, [b"."], [listener.fileno() for listener in listeners])
    for listener in listeners:
        listener.close()
    os.execvp(program[0], program)  # noqa: S606 - no shell is wanted


def _listener(host: str, port: str) -> socket.socket:
    """At the very address, which this network gets where it has not got it."""
    address = ip_address(host)
    if not address.is_loopback:
        _ip("addr", "add", host, "dev", "lo")
    family = socket.AF_INET if address.version == IPV4 else socket.AF_INET6
    return socket.create_server((host, int(port)), family=family)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
