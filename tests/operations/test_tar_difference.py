"""The first thing in which two tars differ is named, with what each of them has there."""

import io
import tarfile
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repave.operations.tar_difference import TarDifference, first_difference

Change = Callable[[tarfile.TarInfo], None]


def entry(name: str, *, kind: bytes = tarfile.REGTYPE, mode: int = 0o644, time: int = 1_700_000_000) -> tarfile.TarInfo:
    """One entry of root's."""
    made = tarfile.TarInfo(name)
    made.type, made.mode, made.mtime = kind, mode, time
    return made


def tar(entries: Sequence[tuple[tarfile.TarInfo, bytes]]) -> io.BytesIO:
    """An archive of them, in their order."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for info, content in entries:
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    stream.seek(0)
    return stream


def plain() -> list[tuple[tarfile.TarInfo, bytes]]:
    """A folder, two files and two links."""
    hard = entry("etc/again", kind=tarfile.LNKTYPE)
    soft = entry("etc/soft", kind=tarfile.SYMTYPE)
    hard.linkname, soft.linkname = "etc/a", "a"
    return [
        (entry("etc", kind=tarfile.DIRTYPE, mode=0o755), b""),
        (entry("etc/a"), b"made on 2026-11-25\n"),
        (hard, b""),
        (entry("etc/b"), b"b"),
        (soft, b""),
    ]


def changed(place: int, change: Change) -> list[tuple[tarfile.TarInfo, bytes]]:
    """The plain one, with a change of one entry."""
    entries = plain()
    change(entries[place][0])
    return entries


def setting(**values: object) -> Change:
    """A change that sets fields."""

    def change(info: tarfile.TarInfo) -> None:
        for name, value in values.items():
            setattr(info, name, value)

    return change


def test_equal_archives_do_not_differ() -> None:
    """Made twice, they are the same."""
    assert first_difference(tar(plain()), tar(plain())) is None


@pytest.mark.parametrize(
    ("place", "change", "path", "field", "second"),
    [
        (0, setting(mode=0o700), "etc", "mode", "0700"),
        (1, setting(uid=33), "etc/a", "owner", "33:0"),
        (1, setting(gid=42), "etc/a", "owner", "0:42"),
        (1, setting(gname="shadow"), "etc/a", "owner's name", ":shadow"),
        (1, setting(mtime=1_800_000_000), "etc/a", "mtime", "1800000000"),
        (1, setting(mtime=1_700_000_000.5), "etc/a", "mtime", "1700000000.5"),
        (2, setting(linkname="etc/b"), "etc/again", "link", "etc/b"),
        (3, setting(type=tarfile.FIFOTYPE), "etc/b", "type", "pipe"),
        (4, setting(linkname="b"), "etc/soft", "link", "b"),
    ],
)
def test_a_field_that_differs_is_named(place: int, change: Change, path: str, field: str, second: str) -> None:
    """With its path, and what the second has."""
    found = first_difference(tar(plain()), tar(changed(place, change)))
    assert found is not None
    assert (found.path, found.field, found.second) == (path, field, second)


def test_an_extended_attribute_is_named() -> None:
    """One has it, the other does not."""
    entries = changed(3, setting(pax_headers={"SCHILY.xattr.security.capability": "\x01\x02"}))
    found = first_difference(tar(plain()), tar(entries))
    assert found == TarDifference(
        path="etc/b", field="xattr security.capability", first="none", second=repr("\x01\x02")
    )


def test_the_place_in_a_content_is_named() -> None:
    """The first byte that differs, and what stands there."""
    entries = plain()
    entries[1] = (entries[1][0], b"made on 2027-01-01\n")
    found = first_difference(tar(plain()), tar(entries))
    assert found == TarDifference(
        path="etc/a", field="content", first="from byte 11: b'6-11-25\\n'", second="from byte 11: b'7-01-01\\n'"
    )


def test_a_size_is_told_before_the_content() -> None:
    """More was written."""
    entries = plain()
    entries[1] = (entries[1][0], b"made on 2026-11-25\nand more\n")
    found = first_difference(tar(plain()), tar(entries))
    assert found == TarDifference(path="etc/a", field="size", first="19", second="28")


@pytest.mark.parametrize("place", [1, 3, 4])
def test_what_only_one_has_is_named(place: int) -> None:
    """Whichever of the two it is, also at the end."""
    entries = plain()
    (alone, _) = entries.pop(place)
    assert first_difference(tar(plain()), tar(entries)) == TarDifference(
        path=alone.name, field="presence", first="there", second="missing"
    )
    assert first_difference(tar(entries), tar(plain())) == TarDifference(
        path=alone.name, field="presence", first="missing", second="there"
    )


def test_another_order_is_no_missing_file() -> None:
    """The same entries at other places."""
    entries = plain()
    entries[3], entries[4] = entries[4], entries[3]
    assert first_difference(tar(plain()), tar(entries)) == TarDifference(
        path="etc/b", field="order", first="entry 4", second="entry 5"
    )


def test_archives_of_equal_entries_may_differ_in_their_padding() -> None:
    """Then no path is to blame, and that is said."""
    longer = io.BytesIO(tar(plain()).getvalue() + bytes(10240))
    found = first_difference(tar(plain()), longer)
    assert found is not None
    assert (found.path, found.field) == ("", "archive")


FILES = st.lists(
    st.tuples(st.sampled_from("abcd"), st.binary(max_size=4), st.sampled_from([0o644, 0o755]), st.integers(0, 2)),
    unique_by=lambda each: each[0],
    max_size=4,
)


@given(first=FILES, second=FILES)
def test_a_difference_is_found_exactly_when_the_bytes_differ(
    first: list[tuple[str, bytes, int, int]], second: list[tuple[str, bytes, int, int]]
) -> None:
    """Never one between equal archives, never none between unequal ones."""
    one, other = (tar([(entry(n, mode=m, time=t), c) for n, c, m, t in files]) for files in (first, second))
    assert (first_difference(one, other) is None) == (one.getvalue() == other.getvalue())
