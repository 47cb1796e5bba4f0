"""Ages and deadlines as people are told of them."""

from datetime import datetime

from repave.cli.phrases import lasting
from repave.model.plan import Ages


def ages_told(ages: Ages, now: datetime) -> str:
    """``the oldest is 12 d old; the next is replaced in 8 d; 90 d is reached in 78 d, replacing starts by then``."""
    parts = [f"the oldest is {lasting((now - ages.oldest).total_seconds())} old"]
    if ages.next_renewal is not None:
        parts.append(f"the next is replaced {_in(ages.next_renewal, now)}")
    if ages.deadline is not None and ages.start_by is not None:
        parts.append(
            f"it reaches the hard limit {_in(ages.deadline, now)}, for which replacing must begin "
            f"{_in(ages.start_by, now)} at the latest"
        )
    return "; ".join([*parts, *ages.limits])


def _in(moment: datetime, now: datetime) -> str:
    seconds = (moment - now).total_seconds()
    return f"in {lasting(seconds)}" if seconds > 0 else "now"
