"""What carries an instance's traffic: with root a bridge, without it user-mode networking; the same three verbs."""

import json
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Protocol

from repave.model.names import InstanceId
from repave.ports.commands import Commands
from repave.ports.errors import Conflict
from repave.providers.local.addresses import choose_address, choose_network, hardware_address, read_routes
from repave.providers.local.errors import mapped
from repave.providers.local.guarded import Guarded
from repave.providers.local.mapping import Record
from repave.providers.local.places import Places
from repave.providers.local.processes import Process
from repave.providers.local.settings import COMMAND_SECONDS
from repave.scratch.whole import write_whole

DEVICES = Path("/sys/class/net")
NAMESPACES = Path("/run/netns")
"""Where `ip netns` keeps names, by ip-netns(8)."""

ROUTES = Path("/proc/net/route")
"""Devices of strangers may be called and labelled anything, by bytes that are no text too."""


class Network(Protocol):
    """One way of giving instances an address."""

    @property
    def needs_connection(self) -> bool:
        """Whether an instance whose `connect` was not recorded has no network, so that its start must begin anew."""
        ...

    def allocate(self, taken: tuple[str, ...]) -> str:
        """An address none of ``taken``. Call under the project's lock. Raises NoCapacity."""
        ...

    def open(self) -> None:
        """Make what all instances share. Call under the project's lock, after the record is written."""
        ...

    def prepare(self, record: Record) -> Path | None:
        """Make what one instance needs before its process; answers the network namespace to join, if one was made."""
        ...

    def connect(self, record: Record, process: Process) -> Process | None:
        """Make what it needs after; answers the process that carries its traffic, if there is one."""
        ...

    def release(self, record: Record) -> None:
        """Remove what `prepare` and `connect` made; not there is no error."""
        ...

    def close(self) -> None:
        """Remove what `open` made. Call under the project's lock, when no instance is left."""
        ...


@dataclass(frozen=True, kw_only=True)
class _Chosen:
    """The network of this folder, and the last address given out."""

    subnet: IPv4Network
    last: str


class BridgeNetwork:
    """A bridge of the project's own; each instance has a namespace that a pair of virtual cables joins to it.

    Nothing is forwarded and no route but the bridge's own is set: instances reach this machine and one another, and
    are reached from this machine alone. There is no name server.
    """

    def __init__(self, *, places: Places, commands: Commands, guarded: Guarded) -> None:
        self._places = places
        self._commands = commands
        self._guarded = guarded

    @property
    def needs_connection(self) -> bool:
        """No: the namespace is connected before the process is."""
        return False

    def allocate(self, taken: tuple[str, ...]) -> str:
        """See the protocol."""
        chosen = self._chosen(free_to_move=not taken)
        address = choose_address(chosen.subnet, taken, chosen.last)
        self._keep(_Chosen(subnet=chosen.subnet, last=address))
        return address

    def open(self) -> None:
        """See the protocol; a bridge of our name that is not ours is refused."""
        bridge = self._places.bridge
        with self._guarded.quiet(None):  # who made one and was killed may still be at it
            pass
        ours, subnet = self._ours(), self._chosen(free_to_move=False).subnet
        if ours and subnet in read_routes(ROUTES.read_text(errors="replace"), device=bridge):
            return
        gateway = str(subnet[1])
        lines = [
            # Of its own, it would take the lowest of its cables' and change as they come and go, unknown to instances.
            f"link add {bridge} address {hardware_address(gateway)} type bridge",
            f"link set dev {bridge} alias {self._mark}",
            f"link set dev {bridge} addrgenmode none",
            f"addr replace {gateway}/24 dev {bridge}",
            f"link set dev {bridge} up",
        ]
        if ours:  # of a folder that was removed while instances of it ran: they keep their addresses
            lines = [line for line in lines if line.startswith("addr ")]
        with mapped(f"making the bridge {bridge}"):
            self._guarded.run(None, ["ip", "-batch", "-"], stdin=_script(lines))

    def prepare(self, record: Record) -> Path | None:
        """See the protocol; a cable of the same slot's last try, not taken away yet, makes room."""
        cable, namespace = cable_of(record.instance), namespace_of(record.instance)
        hardware = hardware_address(record.address)
        if _alias(cable) in {"", self._mark}:
            self._remove([cable])
        outside = [
            f"netns add {namespace}",
            f"link add {cable} type veth peer name eth0 address {hardware} netns {namespace}",
            f"link set dev {cable} alias {self._mark}",
            f"link set dev {cable} addrgenmode none",
            f"link set dev {cable} master {self._places.bridge}",
            f"link set dev {cable} up",
        ]
        inside = [
            "link set dev lo up",
            "link set dev eth0 addrgenmode none",
            f"addr add {record.address}/24 dev eth0",
            "link set dev eth0 up",
        ]
        # Who was told the address and asked too early would wait until the kernel asks for it again, after a second.
        found = f"neigh replace {record.address} lladdr {hardware} dev {self._places.bridge} nud reachable"
        with mapped(f"connecting {record.slot} of {record.fleet}"):
            self._guarded.run(record.instance, ["ip", "-batch", "-"], stdin=_script(outside))
            # `netns exec` within the batch would take a process and mounts of its own for each line.
            self._guarded.run(record.instance, ["ip", "-netns", namespace, "-batch", "-"], stdin=_script(inside))
            self._guarded.run(record.instance, ["ip", "-batch", "-"], stdin=_script([found]))
        return NAMESPACES / namespace

    def connect(self, record: Record, process: Process) -> Process | None:
        """Nothing more is needed."""
        del record, process
        return None

    def release(self, record: Record) -> None:
        """See the protocol; a device of that name with a label that is not ours is left alone.

        With its namespace the kernel takes the cable away, a moment later and without our waiting, which is ten times
        as quick as asking for the cable (see veth(4)).
        """
        cable, namespace = cable_of(record.instance), namespace_of(record.instance)
        attempt = f"disconnecting {record.slot} of {record.fleet}"
        if (NAMESPACES / namespace).exists():
            self._batch(attempt, [f"netns del {namespace}"])
        elif _alias(cable) in {"", self._mark}:
            self._remove([cable])

    def close(self) -> None:
        """See the protocol; a cable that the kernel has not taken away yet goes too."""
        if _alias(self._places.bridge) in {"", self._mark}:
            self._batch(f"removing the bridge {self._places.bridge}", [f"link del dev {self._places.bridge}"])
        self._remove([device.name for device in DEVICES.iterdir() if _alias(device.name) == self._mark])

    def _remove(self, devices: list[str]) -> None:
        """Remove what is there of these; the kernel may be faster."""
        if devices:
            lines = [f"link del dev {device}" for device in devices]
            arguments = ["ip", "-force", "-batch", "-"]
            self._commands.run(arguments, stdin=_script(lines), timeout_seconds=COMMAND_SECONDS, check=False)

    @property
    def _mark(self) -> str:
        """What our devices are labelled with; the kernel keeps up to 255 characters."""
        return f"repave:{self._places.token}"

    def _ours(self) -> bool:
        """Whether the bridge is there and complete; one left half-made is removed."""
        bridge = self._places.bridge
        alias = _alias(bridge)
        if alias is None:
            return False
        if alias not in {"", self._mark} or not (DEVICES / bridge / "bridge").is_dir():
            raise Conflict(
                f"the network device {bridge} exists and is not of this project (it is labelled {alias!r})",
                hint=f"rename or remove it: `ip link show {bridge}`",
            )
        flags = int((DEVICES / bridge / "flags").read_text(), 16)
        if alias == self._mark and flags & 1:  # IFF_UP: the last line of the batch that makes it
            return True
        self._batch(f"removing the half-made bridge {bridge}", [f"link del dev {bridge}"])
        return False

    def _chosen(self, *, free_to_move: bool) -> _Chosen:
        """The kept network; a new one when there is none, or when a stranger took it while nothing of ours ran."""
        kept = self._kept()
        if kept is not None and (not free_to_move or _alias(self._places.bridge) is not None):
            return kept
        taken = read_routes(ROUTES.read_text(errors="replace"))
        if kept is not None and not any(kept.subnet.overlaps(route) for route in taken):
            return kept
        chosen = _Chosen(subnet=choose_network(self._places.token, taken), last="")
        self._keep(chosen)
        return chosen

    def _kept(self) -> _Chosen | None:
        """None also of what a loss of power emptied: the same is chosen again, as long as it is free."""
        try:
            read = json.loads(self._places.network.read_bytes())
            return _Chosen(subnet=IPv4Network(read["subnet"]), last=read["last"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def _keep(self, chosen: _Chosen) -> None:
        content = {"bridge": self._places.bridge, "subnet": str(chosen.subnet), "last": chosen.last}
        write_whole(self._places.network, json.dumps(content, indent=1).encode() + b"\n")

    def _batch(self, attempt: str, lines: list[str]) -> None:
        with mapped(attempt):
            self._commands.run(["ip", "-batch", "-"], stdin=_script(lines), timeout_seconds=COMMAND_SECONDS)


def cable_of(instance: InstanceId) -> str:
    """The device name of an instance's cable on this machine's side (at most 15 characters, by IFNAMSIZ)."""
    return f"rv{instance.removeprefix('i-')}"


def namespace_of(instance: InstanceId) -> str:
    """The name of an instance's network namespace."""
    return f"repave-{instance}"


def _alias(device: str) -> str | None:
    """How the device is labelled; None when it is not there."""
    try:
        return (DEVICES / device / "ifalias").read_text(errors="replace").strip()
    except OSError:
        return None


def _script(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()
