"""Moments that a person names on the command line: so long from now, or a date and time with its zone."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from repave.cli.misuse import Misused
from repave.cli.parameters import Option
from repave.config.problems import Unfit
from repave.config.quantities import positive_duration_seconds

A_DAY = "2026-03-01"

Until = Annotated[
    str | None,
    Option("--until", help="So long (2h, 3d), or a time (2026-03-02T18:00+01:00) [default: no end].", metavar="TIME"),
]


def moment(option: str, text: str, now: datetime) -> datetime:
    """A moment after ``now``, in UTC. Raises Refused, naming the option."""
    expected = "a duration such as 2h, or a time with its zone such as 2026-03-02T18:00+01:00"
    try:
        then = _dated(text) or now + timedelta(seconds=positive_duration_seconds(text))
    except Unfit as unfit:
        meant = f"did you mean `{unfit.nearest}`?" if unfit.nearest else ""
        raise Misused(f"{option} {text}: expected {expected}", hint=meant) from unfit
    except OverflowError as beyond:
        raise Misused(
            f"{option} {text}: expected {expected}", hint="that is further than any calendar goes"
        ) from beyond
    if then.tzinfo is None:
        raise Misused(f"{option} {text}: expected {expected}", hint=f"did you mean `{_zoned(text)}`?")
    if then <= now:
        raise Misused(f"{option} {text} is over", hint=f"it is {now:%Y-%m-%dT%H:%MZ} now")
    return then


def past_moment(option: str, text: str, now: datetime | None = None) -> datetime:
    """A day, from its beginning in UTC, or a moment with its zone; in UTC. Raises Refused, naming the option.

    Also for what is still to come, where it is told what time it is.
    """
    then = _dated(text)
    expected = "a day such as 2026-03-01, or a time with its zone such as 2026-03-01T18:00+01:00"
    if then is None:
        raise Misused(f"{option} {text}: expected {expected}")
    if then.tzinfo is None:
        if len(text) > len(A_DAY):
            raise Misused(f"{option} {text}: expected {expected}", hint=f"did you mean `{text}Z`?")
        then = then.replace(tzinfo=UTC)
    if now is not None and then > now:
        raise Misused(f"{option} {text} is still to come", hint=f"it is {now:%Y-%m-%dT%H:%MZ} now")
    return then


def _zoned(text: str) -> str:
    """The same in UTC; a day alone is meant to its end."""
    return f"{text}Z" if len(text) > len(A_DAY) else f"{text}T23:59Z"


def _dated(text: str) -> datetime | None:
    """In UTC where the text names a zone; None for what is no time, or beyond what can be told in UTC."""
    try:
        then = datetime.fromisoformat(text)
        return then if then.tzinfo is None else then.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
