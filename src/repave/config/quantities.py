"""How the file writes quantities: ``30s``, ``25%``, ``2..6``, ``256MiB``, ``127.0.0.1:8080``, ``Mon-Fri 09:00-16:00``.

Every reader takes what YAML gave (text or number) and raises Unfit for anything else.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address

from repave.config.problems import Unfit, nearest
from repave.model.amount import Amount
from repave.model.gates import DAYS, Window

LONGEST_SECONDS = 3650 * 86400
"""Ten years: what is longer is a slip of the keyboard, and would overflow a date."""

LARGEST_SIZE = 10_000
"""Instances of one fleet in one environment: above it, a planner's tick is no longer measured to be quick."""

LARGEST_PORT = 65535

DURATION = "a duration such as `30s`, `10m`, `2h` or `30d`"
DURATION_PATTERN = r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d|w)$"
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}

AMOUNT = "a count such as `2`, or a share such as `25%`"
AMOUNT_PATTERN = r"^([0-9]|[1-9][0-9]|100)%$"

SIZE = f"a number of instances from 0 to {LARGEST_SIZE}, or a range such as `6..20`"
SIZE_PATTERN = r"^[0-9]+\.\.[0-9]+$"

MEMORY = "an amount of memory such as `256MiB` or `1.5GiB`"
MEMORY_PATTERN = r"^[0-9]+(\.[0-9]+)?(KiB|MiB|GiB|TiB|kB|MB|GB|TB)$"
SMALLEST_MEMORY = 4 * 1024**2
"""Bytes: with less, no process of an image starts at all."""
_BYTES = {
    "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4,
    "kB": 1000, "MB": 1000**2, "GB": 1000**3, "TB": 1000**4,
}  # fmt: skip

LISTEN = "a port such as `8080`, or an address and a port such as `127.0.0.1:8080`"
LISTEN_PATTERN = r"^(.+:)?[0-9]{1,5}$"

NO_PORT = "none"
"""What the file says of a fleet that listens nowhere."""

WINDOW = "days, hours and a time zone, such as `Mon-Fri 09:00-16:00 Europe/Prague`"
WINDOW_PATTERN = r"^[A-Za-z,-]+ [0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2} [A-Za-z0-9_+/-]+$"
TIME_ZONE = "a time zone of the IANA database such as `Europe/Prague`"
TIME_ZONE_PATTERN = r"^[A-Za-z][A-Za-z0-9_+/-]*$"


@dataclass(frozen=True, kw_only=True)
class SizeRange:
    """From ``lowest`` to ``highest`` instances, both included."""

    lowest: int
    highest: int


def whole_number(value: object, *, lowest: int, highest: int | None = None, what: str = "a whole number") -> int:
    """A whole number between two bounds, both included."""
    bounds = f" from {lowest} to {highest}" if highest is not None else f", {lowest} or more"
    if isinstance(value, bool) or not isinstance(value, int) or value < lowest or (highest and value > highest):
        hint = "without the quotes" if isinstance(value, str) and value.isdigit() else ""
        raise Unfit(f"{what}{bounds}", hint=hint)
    return value


def port(value: object) -> int | None:
    """``8080``; ``none`` is None."""
    if value == NO_PORT:
        return None
    try:
        return whole_number(value, lowest=1, highest=LARGEST_PORT, what="a port")
    except Unfit as unfit:
        raise Unfit(f"{unfit.expected}, or `{NO_PORT}`", nearest=unfit.nearest, hint=unfit.hint) from unfit


def duration_seconds(value: object) -> float:
    """``30s`` to 30.0."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise Unfit(DURATION, nearest=f"{value}s")
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]+)", value) if isinstance(value, str) else None
    if match is None or match[2] not in _SECONDS or match[0] != f"{match[1]}{match[2]}":
        raise Unfit(DURATION, nearest=_nearest_duration(match))
    seconds = float(match[1]) * _SECONDS[match[2]]
    if seconds > LONGEST_SECONDS:
        raise Unfit("a duration of at most ten years")
    return seconds


def positive_duration_seconds(value: object) -> float:
    """A duration above zero."""
    seconds = duration_seconds(value)
    if seconds <= 0:
        raise Unfit("a duration above zero")
    return seconds


def _nearest_duration(match: re.Match[str] | None) -> str:
    """``5sec`` meant ``5s``; ``5 parsecs`` meant nothing we know."""
    words = {"sec": "s", "second": "s", "min": "m", "minute": "m", "hour": "h", "hr": "h", "day": "d", "week": "w"}
    if match is None:
        return ""
    unit = match[2].lower()
    unit = unit if unit in _SECONDS else words.get(unit.removesuffix("s"), "")
    return f"{match[1]}{unit}" if unit else ""


def amount(value: object) -> Amount:
    """``2`` or ``25%``."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_SIZE:
        return Amount(value=value)
    if isinstance(value, str) and re.fullmatch(AMOUNT_PATTERN, value):
        return Amount(value=int(value.removesuffix("%")), percent=True)
    digits = re.fullmatch(r"([0-9]+)\s*%+", value) if isinstance(value, str) else None
    meant = f"{digits[1]}%" if digits and int(digits[1]) <= 100 else ""  # noqa: PLR2004 - percent
    raise Unfit(AMOUNT, nearest=meant, hint="" if meant or digits is None else "a share is at most `100%`")


def size(value: object) -> SizeRange:
    """``6`` or ``6..20``."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_SIZE:
        return SizeRange(lowest=value, highest=value)
    match = re.fullmatch(r"([0-9]+)\.\.([0-9]+)", value) if isinstance(value, str) else None
    if match is None:
        hint = "without the quotes" if isinstance(value, str) and value.isdigit() else ""
        raise Unfit(SIZE, hint=hint)
    lowest, highest = int(match[1]), int(match[2])
    if lowest > highest:
        raise Unfit("the lower end of a range first", nearest=f"{highest}..{lowest}")
    if highest > LARGEST_SIZE:
        raise Unfit(SIZE)
    return SizeRange(lowest=lowest, highest=highest)


def memory_bytes(value: object) -> int:
    """``256MiB`` to 268435456."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([A-Za-z]+)", value) if isinstance(value, str) else None
    if match is None or match[2] not in _BYTES:
        meant = nearest(match[2], _BYTES) if match else "MiB"
        number = match[1] if match else str(value) if isinstance(value, int) and not isinstance(value, bool) else ""
        raise Unfit(MEMORY, nearest=f"{number}{meant}" if number and meant else "")
    content = int(float(match[1]) * _BYTES[match[2]])
    if content < SMALLEST_MEMORY:
        raise Unfit("at least `4MiB`: with less no process starts")
    return content


def listen_address(value: object) -> str:
    """``8080`` or ``127.0.0.1:8080`` to ``127.0.0.1:8080``: beyond loopback only where the address says so."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    match = re.fullmatch(r"(?:(?P<host>.+):)?(?P<port>[0-9]{1,5})", value) if isinstance(value, str) else None
    if match is None or not 1 <= int(match["port"]) <= LARGEST_PORT:
        raise Unfit(LISTEN)
    host = match["host"] or "127.0.0.1"
    if host == "*":
        raise Unfit(LISTEN, nearest=f"0.0.0.0:{match['port']}", hint="`0.0.0.0` listens on every address")
    bracketed = host.startswith("[") and host.endswith("]")
    try:
        address = ip_address(host[1:-1] if bracketed else host)
    except ValueError as error:
        meant = f"127.0.0.1:{match['port']}" if host == "localhost" else ""
        raise Unfit(LISTEN, nearest=meant, hint="give the address in numbers") from error
    if (address.version == 6) is not bracketed:  # noqa: PLR2004 - the protocol's version
        raise Unfit(LISTEN, nearest=f"[{address}]:{match['port']}" if not bracketed else f"{address}:{match['port']}")
    return f"[{address}]:{int(match['port'])}" if bracketed else f"{address}:{int(match['port'])}"


def window(value: object) -> Window:
    """``Mon-Fri 09:00-16:00 Europe/Prague``; the time zone is one of the IANA database."""
    match = (
        re.fullmatch(r"([A-Za-z,-]+) ([0-9]{2}:[0-9]{2})-([0-9]{2}:[0-9]{2}) (\S+)", value)
        if isinstance(value, str)
        else None
    )
    if match is None:
        raise Unfit(WINDOW)
    for time in (match[2], match[3]):
        if not re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", time):
            raise Unfit(f"times of day from `00:00` to `23:59`, not `{time}`")
    if match[2] == match[3]:
        raise Unfit("a window that ends at another time than it starts")
    return Window(days=_days(match[1]), start=match[2], end=match[3], zone=time_zone(match[4]))


def _days(text: str) -> tuple[str, ...]:
    """``Mon-Fri``, ``Sat,Sun``: the days, in the week's order; a range may run over Sunday."""
    days: set[str] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        for name in (first, last or first):
            if name not in DAYS:
                raise Unfit(f"days among {', '.join(DAYS)}, not `{name}`", nearest=nearest(name.title()[:3], DAYS))
        start, length = DAYS.index(first), (DAYS.index(last or first) - DAYS.index(first)) % 7
        days.update(DAYS[(start + offset) % 7] for offset in range(length + 1))
    return tuple(day for day in DAYS if day in days)


def time_zone(name: object) -> str:
    """A name of the IANA time zone database."""
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones  # noqa: PLC0415 - few files have windows

    if not isinstance(name, str):
        raise Unfit(TIME_ZONE)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise Unfit(
            f"{TIME_ZONE}, not `{name}`",
            nearest=nearest(name, available_timezones()),
        ) from error
    return name


FEWEST_CPUS = 0.01
"""Below a hundredth of a processor the kernel's scheduler gives nothing that can be counted on."""

MOST_CPUS = 1024


def cpus(value: object) -> float:
    """``0.5`` or ``2``."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not FEWEST_CPUS <= value <= MOST_CPUS:
        raise Unfit("a number of processors such as `0.5` or `2`")
    return float(value)
