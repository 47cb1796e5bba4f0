"""What ``running`` and ``stage`` tell one another, as JSON."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Job:
    """One check, laid out for the stage."""

    work: str
    """A folder to mount over."""

    room_bytes: int
    """Of memory, for what is laid out in it."""

    layers_folder: str
    layers: list[str]
    """Below that folder, topmost first."""

    files: dict[str, str]
    """By path, in base64."""

    hosts: str
    """Content of /etc/hosts."""

    configuration: dict[str, object] = field(repr=False)
    """What runc is told."""

    container: str
    endpoints: list[tuple[str, int]]
    timeout_seconds: float


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came of it."""

    exit_code: int | None = None
    """None where its time ran out, or nothing was run."""

    output: str = ""
    problem: str = ""
    """Why no container came to be; empty when one did."""
