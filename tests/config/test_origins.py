"""Addresses and what is said of them: the longest that fits counts, on whole parts of a path."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repave.model.origins import Credentials, Origin, Origins
from repave.model.release import SecretReference

TOKEN = Credentials(username="me", password=SecretReference(scheme="env", locator="TOKEN"))
OTHER = Credentials(username="other", password=SecretReference(scheme="env", locator="OTHER"))
DEBIAN = "https://deb.debian.org/debian"
MIRROR = "https://mirror.example/debian"

PARTS = st.lists(st.text("ab-.", min_size=1, max_size=3), max_size=3)


@pytest.mark.parametrize(
    ("address", "places"),
    [
        (DEBIAN, (MIRROR,)),
        (f"{DEBIAN}/pool/a.deb", (f"{MIRROR}/pool/a.deb",)),
        ("http://deb.debian.org/debian/pool/a.deb", (f"{MIRROR}/pool/a.deb",)),
        (f"{DEBIAN}-security/pool/a.deb", (f"{DEBIAN}-security/pool/a.deb",)),
        ("https://elsewhere.example/debian", ("https://elsewhere.example/debian",)),
        ("oci://deb.debian.org/debian", ("oci://deb.debian.org/debian",)),
    ],
)
def test_a_mirror_stands_in_for_its_origin_and_all_below(address: str, places: tuple[str, ...]) -> None:
    """By http or https, and never for what only begins alike."""
    assert Origins(declared=(Origin(address=DEBIAN, mirrors=(MIRROR,)),)).places(address) == places


def test_a_login_is_given_to_its_address_only() -> None:
    """Not to another path, another host, or the same host without TLS."""
    origins = Origins(
        declared=(
            Origin(address="https://nexus.example/team", credentials=TOKEN),
            Origin(address="https://nexus.example", credentials=OTHER),
        )
    )
    assert origins.credentials("https://nexus.example/team/simple/flask") == TOKEN
    assert origins.credentials("https://nexus.example/teammates") == OTHER
    assert origins.credentials("http://nexus.example/team/simple") is None
    assert origins.credentials("https://nexus.example.org/team") is None


@given(origin=PARTS, asked=PARTS)
def test_what_an_origin_holds_for_is_exactly_what_is_below_it(origin: list[str], asked: list[str]) -> None:
    """Whatever the names."""
    address = "/".join(["https://host.example", *origin])
    wanted = "/".join(["https://host.example", *asked])
    places = Origins(declared=(Origin(address=address, mirrors=("https://m.example",)),)).places(wanted)
    below = asked[: len(origin)] == origin
    assert places == (("/".join(["https://m.example", *asked[len(origin) :]]),) if below else (wanted,))
