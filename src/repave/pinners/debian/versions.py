"""Debian's own order of versions (policy 5.6.12)."""

from repave.ports.errors import Invalid


def newer(version: str, than: str) -> bool:
    """Whether ``version`` is newer than the other. Raises Invalid for what is no Debian version."""
    return _compare(version, than) > 0


def _compare(one: str, other: str) -> int:
    from univers.debian import compare_versions  # noqa: PLC0415 - 20 ms to load, and most locks compare none

    try:
        order = compare_versions(one, other)  # type: ignore[no-untyped-call] # univers ships no types
    except ValueError as wrong:
        raise Invalid(f"{one!r} or {other!r} is no Debian version") from wrong
    return int(order)
