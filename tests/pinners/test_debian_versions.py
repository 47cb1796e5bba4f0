"""Debian's order of versions, against dpkg itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repave.archives.control import groups, paragraphs, source_of, written
from repave.jobs.commands import LocalCommands
from repave.pinners.debian.versions import newer
from repave.ports.errors import Invalid

COMMANDS = LocalCommands()
FEW = st.text(alphabet="019ab~+.", max_size=6)
VERSIONS = st.builds(
    lambda epoch, upstream, revision: f"{epoch}{upstream}{revision}",
    st.sampled_from(["", "0:", "1:"]),
    st.builds(str.__add__, st.sampled_from("0129"), FEW),
    st.one_of(st.just(""), st.builds(lambda text: f"-{text}", st.text(alphabet="019ab~+.", min_size=1, max_size=6))),
)


@given(one=VERSIONS, other=VERSIONS)
def test_versions_have_dpkgs_order(one: str, other: str) -> None:
    """Newer is what dpkg calls greater, for any two versions."""
    answer = COMMANDS.run(("dpkg", "--compare-versions", one, "gt", other), check=False)
    assert newer(one, other) == (answer.exit_code == 0)


@given(one=VERSIONS)
def test_no_version_is_newer_than_itself(one: str) -> None:
    """Whatever it is made of."""
    assert not newer(one, one)


def test_what_is_no_version_is_refused() -> None:
    """Instead of being ordered somehow."""
    with pytest.raises(Invalid):
        newer("not a version", "1.0")


NAMES = st.builds(str.__add__, st.sampled_from("APS"), st.text(alphabet="aZ-", max_size=4))
LINE = st.text(alphabet="a: -.(", max_size=8).map(str.strip)
VALUES = st.lists(LINE, min_size=1, max_size=3).map(lambda lines: "\n ".join([lines[0], *filter(None, lines[1:])]))


@given(st.lists(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4), max_size=4))
def test_control_data_is_read_as_it_is_written(fields: list[dict[str, str]]) -> None:
    """Fields and continuation lines survive, paragraph by paragraph."""
    assert list(paragraphs("".join(written(paragraph) for paragraph in fields))) == fields


def test_relations_and_sources_are_read_as_debian_writes_them() -> None:
    """Alternatives in order, versions and architectures aside; a binary without a source is its own."""
    fields = {
        "Package": "app",
        "Version": "1.0-1+b1",
        "Source": "application (1.0-1)",
        "Depends": "libc6 (>= 2.36), python3:any | pypy3,\n awk",
    }
    assert list(groups(fields, "Pre-Depends", "Depends")) == [("libc6",), ("python3", "pypy3"), ("awk",)]
    assert source_of(fields) == ("application", "1.0-1")
    assert source_of({"Package": "app", "Version": "1"}) == ("app", "1")
    assert source_of({"Package": "app", "Version": "1", "Source": "other"}) == ("other", "1")
