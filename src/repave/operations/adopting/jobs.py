"""What cron runs on a server, as a machine's own cron runs it: pure, from the facts (crontab(5))."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from repave.operations.adopting.facts import Facts
from repave.operations.adopting.findings import Fate
from repave.operations.adopting.withholding import crontab_without_secrets, may_stand

OF_A_USER = re.compile(r"/var/spool/cron/(?:crontabs/)?([A-Za-z_][A-Za-z0-9_.-]*)")
NOT_TEXT = "\N{REPLACEMENT CHARACTER}"
"""Where a file is no text of ours."""

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
    """Those of accounts that have any, but for what tells a secret, or brings in what no lock pins."""
    accounts = {line.partition(":")[0] for line in facts.texts.get("/etc/passwd", "").splitlines()}
    found: dict[str, Crontab] = {}
    for path, text in sorted(facts.texts.items()):
        match = OF_A_USER.fullmatch(path)
        if not match or match[1] not in accounts or NOT_TEXT in text or not JOB.search(text):
            continue
        said = crontab_without_secrets(JOB.sub(rf"\g<1>{match[1]} \g<2>", text))
        # What has a dot in its name is not looked at (cron(8)).
        place = f"/etc/cron.d/adopted-{match[1].replace('.', '-')}"
        while place in found or place in facts.standing:
            place += "_"
        if may_stand(place, said):
            found[place] = Crontab(user=match[1], origin=path, place=place, text=said.text)
    return tuple(found.values())


def without_secrets(facts: Facts, files: Mapping[str, Fate]) -> Mapping[str, str]:
    """Crontabs of all that told a secret in what is switched off, by their places, without it."""
    found: dict[str, str] = {}
    for place, fate in files.items():
        text = facts.texts.get(place, "")
        if fate is Fate.SECRET and OF_ALL.fullmatch(place) and NOT_TEXT not in text:
            said = crontab_without_secrets(text)
            if may_stand(place, said):
                found[place] = said.text
    return found


def users(facts: Facts, places: Collection[str]) -> Iterator[str]:
    """As whom the jobs in these files run."""
    for place in sorted(places):
        if OF_ALL.fullmatch(place):
            yield from WHOM.findall(facts.texts.get(place, ""))
