"""Whether who serves would pass another check, asked before HAProxy asks it: a wrong one would take all of them out."""

import http.client
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from repave.balancers.haproxy.record import Attached, FleetRecord
from repave.model.names import InstanceId
from repave.model.policy import HealthPolicy
from repave.ports.errors import Conflict

WELL = range(200, 400)
TRIES = 2
"""One bad answer may be a chance."""

AT_ONCE = 16


def differs(before: HealthPolicy, wanted: HealthPolicy) -> bool:
    """Whether what passes one check may fail the other; how often is asked takes nobody out.

    Nor does it whether a connection is taken: who takes none serves nobody.
    """
    return wanted.path is not None and (before.path, before.timeout_seconds) != (wanted.path, wanted.timeout_seconds)


def failing(serving: Iterable[Attached], health: HealthPolicy) -> Mapping[InstanceId, str]:
    """Those that do not answer the check well, and what they answer."""
    asked = tuple(serving)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = threads.map(partial(_answer, health=health), asked)
        return {one.instance: answer for one, answer in zip(asked, answers, strict=True) if answer}


def refusal(record: FleetRecord, wanted: HealthPolicy, serving: int, answers: Mapping[InstanceId, str]) -> Conflict:
    """What to say of a check that those do not pass."""
    first = min(answers)
    hint = "put `health` back as it was; a new path is first served by a release beside the old one, then checked"
    if record.health.path is None:
        hint = "put `protocol` back and deploy the release that speaks the other one; then change `protocol`"
    return Conflict(
        f"{record.fleet} is checked as before, by {_words(record.health)}: {len(answers)} of the {serving} that serve "
        f"do not answer {_words(wanted)} well within {wanted.timeout_seconds:g} s ({first}: {answers[first]}), and "
        "would be taken out",
        hint=hint,
    )


def _words(health: HealthPolicy) -> str:
    return "a connection" if health.path is None else f"GET {health.path}"


def _answer(one: Attached, health: HealthPolicy) -> str:
    """What is wrong with its answer; empty for a good one."""
    wrong = ""
    for _ in range(TRIES):
        connection = http.client.HTTPConnection(one.address, one.port, timeout=health.timeout_seconds)
        try:
            connection.request("GET", health.path or "/", headers={"Host": "localhost"})
            with connection.getresponse() as answer:
                status = answer.status
        except (OSError, http.client.HTTPException) as error:
            wrong = str(error) or type(error).__name__
        else:
            if status in WELL:
                return ""
            wrong = f"HTTP {status}"
        finally:
            connection.close()
    return wrong
