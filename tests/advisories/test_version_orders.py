"""The orders of versions against their authorities: dpkg for Debian's, the specification's own example for SemVer."""

import os
import random
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from repave.advisories.osv.orders import Key, Unordered, debian, pep440, python_identity, semver

PAIRS = int(os.environ.get("REPAVE_DEBIAN_PAIRS", "3000"))
"""dpkg is started once for each, at 1 to 4 ms: 100,000 take some minutes, and are for whoever changes the order."""

MARKS = ("", "~", "~~", "+", ".", "a", "z", "A", "rc", "+b", "~deb", "+deb", "-", "bpo", "ubuntu")
NUMBERS = ("", "0", "1", "2", "9", "10", "11", "00", "01", "2024")


def part(chance: random.Random, *, marks: tuple[str, ...]) -> str:
    """A number, then marks and numbers in turn."""
    more = range(chance.choice((0, 0, 1, 1, 2, 3)))
    return chance.choice(NUMBERS[1:]) + "".join(chance.choice(marks) + chance.choice(NUMBERS) for _ in more)


def version(chance: random.Random) -> str:
    """One that policy 5.6.12 admits: a colon needs an epoch, a hyphen a revision."""
    epoch = chance.choice(("", "", "", "0:", "1:", "01:", "2:"))
    colons = (":",) if epoch else ()
    if chance.random() < 0.6:
        revision = part(chance, marks=tuple(mark for mark in MARKS if mark != "-"))
        return f"{epoch}{part(chance, marks=MARKS + colons)}-{revision}"
    return epoch + part(chance, marks=tuple(mark for mark in MARKS if mark != "-") + colons)


def pairs(count: int) -> Iterator[tuple[str, str]]:
    """Half of them neighbours, which is where an order goes wrong."""
    chance = random.Random(20260101)  # noqa: S311 - the same pairs each time
    for _ in range(count):
        one = version(chance)
        near = one + chance.choice(("~", "0", ".0", "+b1", "~1", "a", "")), one.replace("1", "01", 1)
        yield one, chance.choice((*near, version(chance), version(chance)))


def denied(claims: list[tuple[str, str, str]]) -> str:
    """Which of our claims (one, relation, other) dpkg denies, and that it was asked all of them."""
    lines = [
        f"dpkg --compare-versions '{one}' {is_} '{other}' || echo '{one} {is_} {other}'" for one, is_, other in claims
    ]
    asked = "\n".join((*lines, f"echo {len(claims)} asked"))
    return subprocess.run(["dash"], input=asked, capture_output=True, text=True, check=True).stdout


@pytest.mark.real
@pytest.mark.timeout(3600)
def test_debians_order_is_dpkgs() -> None:
    """Dpkg confirms what the order says of every generated pair, and could deny it."""
    claims = []
    for one, other in pairs(PAIRS):
        here, there = debian(one), debian(other)
        claims.append((one, "lt" if here < there else "gt" if here > there else "eq", other))
    assert {claim[1] for claim in claims} == {"lt", "gt", "eq"}
    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(denied, (claims[::2], claims[1::2])))
    assert told == [f"{len(claims[::2])} asked\n", f"{len(claims[1::2])} asked\n"]
    assert denied([("1", "lt", "1~")]) == "1 lt 1~\n1 asked\n"


@pytest.mark.parametrize("text", ["", "1_0", "-1", "1:", ":1", "a:1", "1-", "1 0", "1é", "1" * 600])
def test_what_is_no_debian_version_has_no_order(text: str) -> None:
    """It is said, not guessed."""
    with pytest.raises(Unordered):
        debian(text)


def test_semvers_order_is_the_specifications() -> None:
    """The example of semver.org, 11."""
    rising = [
        "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
        "1.0.0-rc.1", "1.0.0", "1.0.1", "1.9.0", "1.10.0", "2.0.0",
    ]  # fmt: skip
    assert all(semver(one) < semver(other) for one, other in pairwise(rising))
    assert semver("1.0.0+a") == semver("1.0.0+b") == semver("v1")
    for text in ("", "1.0.0.0", "latest", "1.0.0-", "1" * 600):
        with pytest.raises(Unordered):
            semver(text)


def test_pythons_order_is_pep_440s() -> None:
    """Pre-releases before, post-releases after, an epoch above all; all spellings are one."""
    rising = ["1.0.dev1", "1.0a1", "1.0rc1", "1.0", "1.0.post1", "1.1", "1!0"]
    assert all(pep440(one) < pep440(other) for one, other in pairwise(rising))
    assert len({python_identity(text) for text in ("1.0", "v1", "1.0.0", " 1.00")}) == 1
    for text in ("2004d", "1" * 600):
        with pytest.raises(Unordered):
            pep440(text)


@pytest.mark.parametrize("order", [debian, semver, pep440])
def test_long_versions_fill_no_memory(order: Key) -> None:
    """What is asked often is short and remembered; a database of long versions leaves nothing behind."""
    assert order("1.2.3") is order("1.2.3")
    assert order("1.2.3" + "4" * 40) is not order("1.2.3" + "4" * 40)
    assert order("1.2.3" + "4" * 40) == order("1.2.3" + "4" * 40)
