"""What cron runs on a server, as a machine's own cron runs it: pure, from the facts (crontab(5))."""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from repave.operations.adopting.facts import Facts
from repave.operations.adopting.secrecy import secret_in
from repave.operations.guards.hook_patterns import brings_unpinned

OF_A_USER = re.compile(r"/var/spool/cron/(?:crontabs/)?([A-Za-z_][A-Za-z0-9_.-]*)")
OF_ALL = re.compile(r"/etc/crontab|/etc/cron\.d/[^/]+")
"""A job says as whom it runs."""

JOB = re.compile(r"(?m)^([ \t]*(?:@\w+|(?:[^\s#=]+[ \t]+){4}[^\s=]+)[ \t]+)(\S)")
"""A job of a user's own: when, and what."""

WHOM = re.compile(r"(?m)^[ \t]*(?:@\w+|(?:[^\s#=]+[ \t]+){4}[^\s=]+)[ \t]+([A-Za-z_][A-Za-z0-9_.-]*)[ \t]")


@dataclass(frozen=True, kw_only=True)
class Crontab:
    """A user's own jobs, in the place and the form of those of all."""

    user: str
    origin: str
    place: str
    text: str


def of_users(facts: Facts) -> tuple[Crontab, ...]:
    """Those of users who have any, but for what tells a secret, or brings in what no lock pins."""
    return tuple(one for one in _of_users(facts) if JOB.search(one.text) and _may_run(one))


def _may_run(one: Crontab) -> bool:
    return not secret_in(one.place, one.text.encode()) and not brings_unpinned(one.place, one.text)


def users(facts: Facts, places: Collection[str]) -> Iterator[str]:
    """As whom the jobs in these files run."""
    for place in sorted(places):
        if OF_ALL.fullmatch(place):
            yield from WHOM.findall(facts.texts.get(place, ""))


def _of_users(facts: Facts) -> Iterator[Crontab]:
    for path, text in sorted(facts.texts.items()):
        match = OF_A_USER.fullmatch(path)
        if match:
            # What has a dot in its name is not looked at (cron(8)).
            place = f"/etc/cron.d/adopted-{match[1].replace('.', '-')}"
            yield Crontab(user=match[1], origin=path, place=place, text=JOB.sub(rf"\g<1>{match[1]} \g<2>", text))
