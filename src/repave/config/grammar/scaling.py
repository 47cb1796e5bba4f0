"""``scale``: what moves the size of a fleet within its range."""

from typing import Annotated

from pydantic import Field, PlainValidator, WithJsonSchema

from repave.config import quantities, schedules
from repave.config.grammar.fields import AmountText, Duration, Section, TimeZone, told, whole
from repave.model.amount import Amount

Cron = Annotated[
    str, PlainValidator(schedules.cron), told(schedules.CRON_PATTERN, "0 8 * * Mon-Fri", "*/30 9-17 1,15 * *")
]
Portion = Annotated[float, PlainValidator(schedules.share), told(schedules.SHARE_PATTERN, "60%")]
MetricName = Annotated[str, PlainValidator(schedules.metric), told(schedules.METRIC_PATTERN, "open_requests")]
MetricValue = Annotated[
    float, PlainValidator(schedules.metric_value), WithJsonSchema({"type": "number", "exclusiveMinimum": 0})
]
Patience = Annotated[
    float, PlainValidator(quantities.duration_seconds), told(quantities.DURATION_PATTERN, "0s", "30s", "5m")
]
ScheduledCount = Annotated[int, *whole(1, quantities.LARGEST_SIZE)]


class ScheduledSizeSection(Section):
    """A size from a time on, until the next time of any schedule of the fleet."""

    cron: Cron = Field(description="When: minute, hour, day of month, month, day of week.")
    time_zone: TimeZone = Field(default="UTC", description="Whose clock. Default: UTC.")
    size: ScheduledCount = Field(
        description="Exactly so many where no metric is given, at least so many where one is; within the range."
    )


class ScaleSection(Section):
    """What moves the size within its range. The metric that asks for most counts; for fewer all must agree."""

    cpu: Portion = Field(default=0.0, description="Average use of the processors each may use.")
    memory: Portion = Field(default=0.0, description="Average use of the memory each may use.")
    requests_per_instance: MetricValue = Field(default=0.0, description="Requests a second for each instance.")
    metrics: dict[MetricName, MetricValue] = Field(
        default={}, min_length=1, description="Any other metric that is measured, and how much of it for each instance."
    )
    schedule: list[ScheduledSizeSection] = Field(default=[], min_length=1, description="Sizes by the clock.")
    tolerance: Portion = Field(default=0.1, description="So near its target a metric changes nothing. Default: 10%.")
    out_after: Patience = Field(
        default=0.0, description="More is wanted once metrics have asked for it so long. Default: 0s."
    )
    in_after: Patience = Field(
        default=300.0, description="Fewer are wanted once metrics have asked for it so long. Default: 5m."
    )
    in_per_hour: AmountText = Field(
        default=Amount(value=50, percent=True),
        description="So many fewer than an hour ago because metrics ask for it, at least 1. Default: 50%.",
    )
    cool_down: Patience = Field(
        default=60.0, description="After a change metrics change nothing for so long. Default: 1m."
    )
    window: Duration = Field(default=60.0, description="Metrics are those of so long a time. Default: 1m.")
