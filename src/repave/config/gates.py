"""How the file writes freezes, public keys and addresses of people, and what its gates need of the rest of it."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date

from repave.config.document import Document, Path
from repave.config.errors import FileError, Problem
from repave.config.problems import Unfit, nearest, problem
from repave.config.words import mapping_of
from repave.model.gates import Freeze

DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
FREEZE = "a day such as `2026-12-24`, or from one to another such as `2026-12-20..2027-01-03`"
FREEZE_PATTERN = rf"^{DAY}(\.\.{DAY})?$"

KINDS = (
    "ssh-ed25519", "sk-ssh-ed25519@openssh.com", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com", "ssh-rsa",
)  # fmt: skip
"""Of keys, as OpenSSH names them."""

PUBLIC_KEY = "a public key as OpenSSH writes it, `ssh-ed25519 AAAA...`"
PUBLIC_KEY_PATTERN = rf"^({'|'.join(map(re.escape, KINDS))}) AAAA[A-Za-z0-9+/]+={{0,2}}( .*)?$"

RATE = "a share such as `1%` or `0.5%`"
RATE_PATTERN = r"^(100|[0-9]{1,2}(\.[0-9]{1,2})?)%$"

EMAIL = "an address such as `ana@example.org`"
EMAIL_PATTERN = r"^[^\s@<>]+@[^\s@<>]+$"


def freeze(value: object) -> Freeze:
    """``2026-12-20..2027-01-03``, or one day."""
    if not isinstance(value, str) or not re.fullmatch(FREEZE_PATTERN, value):
        raise Unfit(FREEZE)
    first, _, last = value.partition("..")
    days = Freeze(first=_day(first), last=_day(last or first))
    if days.last < days.first:
        raise Unfit("the earlier day first", nearest=f"{last}..{first}")
    return days


def rate(value: object) -> float:
    """``0.5%`` to 0.005."""
    if not isinstance(value, str) or not re.fullmatch(RATE_PATTERN, value):
        meant = f"{value}%"
        raise Unfit(RATE, nearest=meant if re.fullmatch(RATE_PATTERN, meant) else "")
    return float(value.removesuffix("%")) / 100


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as impossible:
        raise Unfit(f"days of the calendar, not `{text}`") from impossible


def public_key(value: object) -> str:
    """Its kind and its bytes; what follows them is for people, and left out."""
    if isinstance(value, str) and "PRIVATE KEY" in value:
        raise Unfit(PUBLIC_KEY, hint="this is the private one: take it out, and make another; the public ends in .pub")
    if not isinstance(value, str) or not re.fullmatch(PUBLIC_KEY_PATTERN, value):
        kind = value.split(" ")[0] if isinstance(value, str) else ""
        raise Unfit(PUBLIC_KEY, nearest=nearest(kind, KINDS) if kind not in KINDS else "")
    return " ".join(value.split(" ")[:2])


def email(value: object) -> str:
    """In lower case: nobody tells two people apart by capitals."""
    if not isinstance(value, str) or not re.fullmatch(EMAIL_PATTERN, value):
        raise Unfit(EMAIL)
    return value.lower()


def holidays_in(text: str, *, filename: str) -> frozenset[date]:
    """The days of a file: one on each line, words behind it, `#` before a remark. FileError names what is none."""
    days: set[date] = set()
    problems: list[Problem] = []
    for number, line in enumerate(text.splitlines(), 1):
        word = line.partition("#")[0].split(maxsplit=1)[:1]
        try:
            days |= {date.fromisoformat(one) for one in word}
        except ValueError:
            found = f"`{word[0]}` is no day"
            problems.append(Problem(file=filename, line=number, column=1, found=found, expected="one as `2026-12-24`"))
    if problems:
        raise FileError(problems)
    return frozenset(days)


def check_gates(document: Document) -> Iterator[Problem]:
    """Enough people for each gate, and no key that would make two of one."""
    people = mapping_of(mapping_of(document.data).get("people"))
    for environment, fields in mapping_of(mapping_of(document.data).get("environments")).items():
        approvals = mapping_of(mapping_of(fields).get("gates")).get("approvals")
        metrics = mapping_of(mapping_of(fields).get("gates")).get("metrics")
        place: Path = ("environments", environment, "gates", "metrics")
        if isinstance(metrics, dict) and not {"error_rate", "latency"} & set(metrics):
            unfit = Unfit("`error_rate: 1%`, `latency: 300ms`, or both")
            yield problem(document, document.at_value(place), "`metrics` sets no limit", unfit)
        if isinstance(approvals, int) and approvals > len(people):
            place = ("environments", environment, "gates", "approvals")
            found = f"`approvals` is `{approvals}`, and `people` names {len(people) or 'nobody'}"
            hint = "`people: {ana: {keys: [ssh-ed25519 AAAA...]}}`; their word counts by the key that signs it"
            yield problem(document, document.at_value(place), found, Unfit("at most as many as there are", hint=hint))
    for key, read in (("keys", public_key), ("emails", email)):
        yield from _shared(document, people, key, read)


def _shared(
    document: Document, people: Mapping[str, object], key: str, read: Callable[[object], str]
) -> Iterator[Problem]:
    holders: dict[str, str] = {}
    for person, fields in people.items():
        written = mapping_of(fields).get(key)
        for index, value in enumerate(written if isinstance(written, list) else ()):
            try:
                one = read(value)
            except Unfit:
                continue  # told by the structure's check
            if holders.setdefault(one, person) != person:
                found = f"this is one of `{holders[one]}` already"
                place: Path = ("people", person, key, index)
                yield problem(document, document.at_value(place), found, Unfit("each of one person only"))
