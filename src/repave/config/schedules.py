"""How the file writes what moves sizes: `0 8 * * Mon-Fri`, `60%`, `100`, the names of metrics."""

import re
from datetime import UTC, datetime

from repave.config.problems import Unfit

CRON = "five fields of cron (minute, hour, day of month, month, day of week) such as `0 8 * * Mon-Fri`"
CRON_PATTERN = r"^\S+ +\S+ +\S+ +\S+ +\S+$"
FIELDS = 5
SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)
"""From when on a schedule must come to a time at all; leap days come within the years that are tried."""

SHARE = "a share from `1%` to `100%`"
SHARE_PATTERN = r"^([1-9]|[1-9][0-9]|100)%$"

METRIC = "a metric's name such as `open_requests`: letters, digits, `_`, `.` and `-`"
OWN_WORDS = ("cpu", "memory", "requests_per_instance")
"""Metrics with a key of their own."""

METRIC_PATTERN = rf"^(?!({'|'.join(OWN_WORDS)})$)[A-Za-z][A-Za-z0-9_.-]*$"

VALUE = "a number above 0, of each instance"


def cron(value: object) -> str:
    """A schedule that comes to a time, as it is written but for its spaces."""
    from cronsim import CronSim, CronSimError  # noqa: PLC0415 - few files have schedules

    words = value.split() if isinstance(value, str) else []
    if len(words) != FIELDS:
        raise Unfit(CRON)
    schedule = " ".join(words)
    try:
        next(CronSim(schedule, SOME_DAY))
    except CronSimError as error:
        raise Unfit(CRON, hint=f"cron says: {str(error).lower()}") from error
    except StopIteration as never:
        raise Unfit("a schedule that comes to a time", hint="there is no such day") from never
    return schedule


def share(value: object) -> float:
    """``60%`` to 0.6."""
    if not isinstance(value, str) or not re.fullmatch(SHARE_PATTERN, value):
        number = str(value).strip().rstrip("%").strip()
        meant = f"{number}%"
        raise Unfit(SHARE, nearest=meant if re.fullmatch(SHARE_PATTERN, meant) and meant != value else "")
    return int(value.removesuffix("%")) / 100


def metric(value: object) -> str:
    """The name of a metric that has no key of its own."""
    if value in OWN_WORDS:
        raise Unfit(METRIC, hint=f"`{value}` is a key of `scale` itself")
    if not isinstance(value, str) or not re.fullmatch(METRIC_PATTERN, value):
        raise Unfit(METRIC)
    return value


def metric_value(value: object) -> float:
    """What each instance should have of a metric."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise Unfit(VALUE)
    return float(value)
