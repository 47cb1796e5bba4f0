"""What a kernel shows as files: left out of a server's disks, and asked for the ports on which something waits."""

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address

from repave.ports.server import Heard, Listener

SHOWN_BY_KERNEL = ("/proc", "/sys", "/dev", "/run")
"""None of it is on a disk; ``/run`` is in memory and made anew at every start (FHS 3.0, 3.15)."""

TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 - a server's own, never written to
"""What may be gone at any time (FHS 3.0, 3.18 and 5.15): often the most files of all, and none of them is kept."""

REMOTE_FILESYSTEMS = ("nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "fuse.sshfs", "autofs")
"""Not the server's own disks."""

SECTION, FIELD = "\x1e", "\x1f"

SOCKETS = r"""
cat /proc/net/tcp /proc/net/tcp6 2>/dev/null
printf '\036'
find /proc/[0-9]*/fd -maxdepth 1 -lname 'socket:*' -printf '%p %l\n' 2>/dev/null
printf '\036'
for process in /proc/[0-9]*; do
  printf '%s\037%s\037' "${process#/proc/}" "$(readlink "$process/exe" 2>/dev/null)"
  tr '\000\n' '\001 ' <"$process/cmdline" 2>/dev/null
  printf '\037'
  tr '\n' ' ' <"$process/cgroup" 2>/dev/null
  printf '\n'
done 2>/dev/null
"""
"""One fixed program of a POSIX shell that only reads; ``heard_in`` takes what it prints."""

LISTENING = "0A"
"""``TCP_LISTEN`` in the kernel's table (include/net/tcp_states.h)."""

ENDPOINT = re.compile(r"([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})")
UNIT = re.compile(r"/([A-Za-z0-9:_.@\\-]+\.service)(?:[/\s]|$)")


def heard_in(printed: str) -> Heard:
    """The ports, out of what ``SOCKETS`` prints."""
    tables, links, processes = [*printed.split(SECTION), "", "", ""][:3]
    holders: dict[str, str] = {}
    for path, socket in re.findall(r"^/proc/(\d+)/fd/\d+ socket:\[(\d+)\]$", links, re.MULTILINE):
        # Of a parent and the workers that inherited its socket, the parent: it has the lowest number.
        holders[socket] = min(holders.get(socket, path), path, key=int)
    known = dict(_processes(processes))
    found = dict.fromkeys(_listener(line, holders, known) for line in tables.split("\n"))
    listeners = sorted((one for one in found if one), key=lambda one: (one.port, one.address))
    nameless = sorted({one.port for one in listeners if not one.program})
    unseen = []
    if not tables.strip():
        unseen.append("the kernel's table of ports cannot be read there")
    if nameless:
        unseen.append(f"whose ports {', '.join(map(str, nameless))} are: only root sees the processes of others")
    return Heard(listeners=tuple(listeners), unseen=tuple(unseen))


def _processes(text: str) -> Iterator[tuple[str, tuple[str, tuple[str, ...], str]]]:
    """By number: program, arguments, unit."""
    for line in text.split("\n"):
        number, *fields = line.split(FIELD)
        if len(fields) == 3:  # noqa: PLR2004 - as the program prints it
            program, arguments, groups = fields
            units = UNIT.findall(groups)
            words = tuple(word for word in arguments.split("\x01") if word)
            yield number, (program, words, units[-1] if units else "")


def _listener(
    line: str, holders: Mapping[str, str], processes: Mapping[str, tuple[str, tuple[str, ...], str]]
) -> Listener | None:
    fields = line.split()
    local = ENDPOINT.fullmatch(fields[1]) if len(fields) > 9 and fields[3] == LISTENING else None  # noqa: PLR2004 - columns of the kernel's table
    if local is None:
        return None
    address, port = local.groups()
    program, arguments, unit = processes.get(holders.get(fields[9], ""), ("", (), ""))
    return Listener(port=int(port, 16), address=_address(address), program=program, arguments=arguments, unit=unit)


def _address(written: str) -> str:
    """The kernel writes each 32 bits in the byte order of the machine, which is little-endian here and there."""
    words = [bytes.fromhex(written[start : start + 8])[::-1] for start in range(0, len(written), 8)]
    packed = b"".join(words)
    return str(IPv4Address(packed) if len(packed) == 4 else IPv6Address(packed))  # noqa: PLR2004 - bytes of an address
