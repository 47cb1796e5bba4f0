"""Which CVEs a changelog names between two versions."""

from hypothesis import given
from hypothesis import strategies as st

from repave.advisories.changelogs import entries, repaired

CHANGELOG = """\
openssl (3.0.3-1) bookworm-security; urgency=medium

  * CVE-2024-0002 (A flaw), cve-2024-10000
    and CVE-2024-0002 again

 -- Maintainer <m@example.org>  Thu, 01 Feb 2024 00:00:00 +0000

openssl (3.0.2-1) bookworm; urgency=high

  * New upstream (Closes: #1)
    - CVE-2023-0001 (fixed (really); finally)

 -- Maintainer <m@example.org>  Wed, 01 Feb 2023 00:00:00 +0000

openssl (3.0.1-1) bookworm; urgency=low

  * CVE-2022-0001

 -- Maintainer <m@example.org>  Tue, 01 Feb 2022 00:00:00 +0000
"""


def newer(one: str, other: str) -> bool:
    """An order that is enough for these versions."""
    return one > other


def test_only_entries_between_the_versions_count() -> None:
    """Newer than the locked one, and no newer than the repair; sorted by year and number, each once."""
    assert repaired(CHANGELOG, after="3.0.1-1", up_to="3.0.3-1", newer=newer) == (
        "CVE-2023-0001",
        "CVE-2024-0002",
        "CVE-2024-10000",
    )
    assert repaired(CHANGELOG, after="3.0.1-1", up_to="3.0.2-1", newer=newer) == ("CVE-2023-0001",)
    assert repaired(CHANGELOG, after="3.0.3-1", up_to="3.0.3-1", newer=newer) == ()


LINES = st.lists(
    st.one_of(
        st.integers(min_value=1000, max_value=99999).map(lambda number: f"  * repairs CVE-2024-{number} (x; y)"),
        st.text(alphabet="aC V-E2(;)", max_size=12).map(lambda text: f"  {text}"),
        st.just(" -- M <m@x>  Thu, 01 Feb 2024 00:00:00 +0000"),
    ),
    max_size=4,
)


@given(st.lists(LINES, max_size=6))
def test_every_entry_is_found_with_its_own_text(bodies: list[list[str]]) -> None:
    """However long, whatever its lines hold, with text before the first left out."""
    versions = [f"1.0-{len(bodies) - place}" for place in range(len(bodies))]
    text = "emacs mode line\n" + "\n".join(
        "\n".join([f"pkg ({version}) suite; urgency=low", *lines])
        for version, lines in zip(versions, bodies, strict=True)
    )
    found = list(entries(text))
    assert [entry.version for entry in found] == versions
    assert [entry.text.splitlines() for entry in found] == bodies


@given(st.text())
def test_any_text_is_read_without_failing(text: str) -> None:
    """A file that is no changelog names nothing, or what it does name."""
    for entry in entries(text):
        assert entry.version
