"""Addresses of instances, pure: which network a project takes, and which address an instance."""

from collections.abc import Collection, Iterable
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network

from repave.ports.errors import NoCapacity
from repave.providers.local.settings import SUBNETS

FIRST_HOST, LAST_HOST = 2, 254
"""Of a /24: .0 names the network, .1 is the bridge, .255 is for broadcasts."""

ROUTE_FIELDS = 8
UP = 1
"""RTF_UP, by route(8)."""


def read_routes(table: str, *, device: str = "") -> tuple[IPv4Network, ...]:
    """The networks that ``/proc/net/route`` lists, of one device or of all, the default route left out."""
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) < ROUTE_FIELDS or not int(fields[3], 16) & UP or int(fields[7], 16) == 0:
            continue
        if device not in {"", fields[0]}:
            continue
        # Written as the machine's own integers: little-endian on every machine Debian's runc supports.
        address, mask = (IPv4Address(bytes.fromhex(field)[::-1]) for field in (fields[1], fields[7]))
        found.append(IPv4Network(f"{address}/{mask}", strict=False))
    return tuple(found)


def choose_network(token: str, taken: Collection[IPv4Network]) -> IPv4Network:
    """A private /24 that overlaps nothing taken; the same token tries the same ones in the same order."""
    first, low, high = SUBNETS
    count = (high - low) * 256
    start = int(sha256(token.encode()).hexdigest(), 16) % count
    for offset in range(count):
        second, third = divmod((start + offset) % count, 256)
        network = IPv4Network(f"{first}.{low + second}.{third}.0/24")
        if not any(network.overlaps(other) for other in taken):
            return network
    raise NoCapacity(
        "no private network is free for this project's instances: this machine routes all of "
        f"{first}.{low}.0.0 to {first}.{high - 1}.255.255",
        hint="remove a route that is not needed (`ip route`)",
    )


def loopback_network(token: str) -> IPv4Network:
    """Without root: a /24 of loopback addresses, which need no set-up; 127.64.x.0 and above, clear of common use."""
    number = int(sha256(token.encode()).hexdigest(), 16) % (64 * 256)
    second, third = divmod(number, 256)
    return IPv4Network(f"127.{64 + second}.{third}.0/24")


def choose_address(network: IPv4Network, taken: Iterable[str], last: str) -> str:
    """The next free address after ``last``, so that one given back is not given out again at once."""
    used = set(taken)
    count = LAST_HOST - FIRST_HOST + 1
    place = int(IPv4Address(last)) - int(network.network_address) - FIRST_HOST if last else -1
    for offset in range(1, count + 1):
        address = str(network[FIRST_HOST + (place + offset) % count])
        if address not in used:
            return address
    raise NoCapacity(
        f"all {count} addresses of this project's network {network} are taken",
        hint="terminate instances, or move a fleet to a project of its own",
    )


def hardware_address(address: str) -> str:
    """A locally administered MAC made from the address: a neighbour's cache stays right when it is given again."""
    return ":".join(f"{part:02x}" for part in (0x02, 0x52, *IPv4Address(address).packed))
