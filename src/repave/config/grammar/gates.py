"""``gates`` of an environment and ``people``: what must hold before a release enters, and whose word counts."""

from typing import Annotated

from pydantic import Field, PlainValidator

from repave.config import gates
from repave.config.grammar.checks import AnyCheck
from repave.config.grammar.fields import Duration, Rate, Section, Source, WindowText, choice, told
from repave.model.gates import (
    DEFAULT_APPROVAL_SECONDS,
    DEFAULT_CHECK_SECONDS,
    DEFAULT_METRIC_SECONDS,
    DEFAULT_SAMPLES,
    Freeze,
)

FreezeText = Annotated[
    Freeze, PlainValidator(gates.freeze), told(gates.FREEZE_PATTERN, "2026-12-20..2027-01-03", "2026-07-06")
]
PublicKey = Annotated[
    str,
    PlainValidator(gates.public_key),
    told(gates.PUBLIC_KEY_PATTERN, "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtleQ ana@laptop"),
]
ErrorRate = Annotated[float, PlainValidator(gates.rate), told(gates.RATE_PATTERN, "1%", "0.5%")]
Email = Annotated[str, PlainValidator(gates.email), told(gates.EMAIL_PATTERN, "ana@example.org")]


class MetricsSection(Section):
    """How each fleet must have answered before a release goes on. What was not measured is neither good nor bad."""

    error_rate: ErrorRate | None = Field(
        default=None, description="At most this share of answers may be server errors, or never come."
    )
    latency: Duration | None = Field(default=None, description="At most so long the mean answer may take.")
    over: Duration = Field(default=DEFAULT_METRIC_SECONDS, description="The last so long is looked at. Default: 10m.")
    samples: Rate = Field(
        default=DEFAULT_SAMPLES, description="With fewer answers of a fleet nothing is known. Default: 100."
    )


class GatesSection(Section):
    """What holds a release before this environment; `checks`, `soak` and `metrics` hold it here, before the next."""

    checks: list[AnyCheck] = Field(
        default=[],
        min_length=1,
        description="What must pass on a release that this environment carries: programs of the project, and requests.",
    )
    checks_last: Duration = Field(
        default=DEFAULT_CHECK_SECONDS, description="So long a passed check counts. Default: 1d."
    )
    soak: Duration = Field(
        default=0.0, description="So long this environment must have carried it in good health. Default: not at all."
    )
    metrics: MetricsSection | None = Field(default=None, description="How it must answer here. Default: nobody looks.")
    approvals: Rate = Field(
        default=0, description="So many of `people`, none of them its author, must have agreed. Default: none."
    )
    approvals_last: Duration = Field(
        default=DEFAULT_APPROVAL_SECONDS, description="So long a word counts. Default: 7d."
    )
    window: WindowText | None = Field(default=None, description="When it may enter. Default: at any time.")
    freeze: list[FreezeText] = Field(
        default=[], min_length=1, description="Days, or from one to another, on which none enters."
    )
    unknown: Annotated[str, *choice("hold", "pass")] = Field(
        default="hold",
        description="What a source of advisories that cannot be read means: it may have any flaw. Default: `hold`.",
    )
    holidays: Source = Field(default="", description="A file of the project: a day on each line on which none enters.")


class PersonSection(Section):
    """Somebody whose approval counts, known by the key that signs it."""

    keys: list[PublicKey] = Field(min_length=1, description="Public keys as OpenSSH writes them (`*.pub`).")
    emails: list[Email] = Field(default=[], description="As commits name their author: nobody approves their own work.")
