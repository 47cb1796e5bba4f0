"""Names of licences to SPDX, and the licences in Debian's copyright files and in wheels' metadata."""

from pathlib import Path

import pytest
from documented import Shelf
from hypothesis import given, settings
from hypothesis import strategies as st
from license_expression import get_spdx_licensing

from repave.attestations.sbom.apk import installed
from repave.attestations.sbom.copyright import licences
from repave.attestations.sbom.inventory import Licence, Supplier
from repave.attestations.sbom.licences import CLASSIFIERS, OTHERS, combined, identifier
from repave.attestations.sbom.wheels import wheel_facts

SPDX = get_spdx_licensing()

SYNOPSES = {
    "GPL-2+": "GPL-2.0-or-later",
    "GPL-2": "GPL-2.0-only",
    "GPL-2.0": "GPL-2.0-only",
    "LGPLv2.1+": "LGPL-2.1-or-later",
    "GFDL-NIV-1.3+": "GFDL-1.3-no-invariants-or-later",
    "Expat": "MIT",
    "BSD-3-clause": "BSD-3-Clause",
    "GPL-2 with Linux-syscall-note exception": "GPL-2.0-only WITH Linux-syscall-note",
    "MPL-1.1 or GPL-2+ or LGPL-2.1+": "MPL-1.1 OR GPL-2.0-or-later OR LGPL-2.1-or-later",
    "GPL-3+ and ISC or Zlib": "GPL-3.0-or-later AND ISC OR Zlib",
    "GPL-2+ or Zlib, and Expat": "(GPL-2.0-or-later OR Zlib) AND MIT",
    "Artistic": "",
    "GPL": "",
    "GPL-4+": "",
    "MIT/X11": "",
    "public-domain": "",
    "GPL-1+ or Artistic": "",
    "ISC, and Zlib, or Expat": "",
    "GPL-3+ with Bison exception": "",
    "": "",
}
"""Debian's words, and what they mean for certain; nothing where they could mean several."""

NAMES = st.sampled_from(
    ["GPL-2+", "LGPL-2.1", "AGPL-3", "GFDL-1.2+", "Expat", "ISC", "zlib", "BSD-2-clause", "Apache-2", "Artistic", "x"]
)
JOINS = st.sampled_from([" and ", " or ", ", and ", ", or "])

MACHINE_READABLE = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: thing
License: GPL-2+

Files: *
Copyright: 2020 Somebody
License: Expat
 Permission is hereby granted.

Files: debian/*
Copyright: 2021 Somebody Else
License: GPL-1+ or Artistic

License: Apache-2.0
 Only a text that nothing is declared by.
"""


@pytest.mark.parametrize(("synopsis", "meaning"), SYNOPSES.items())
def test_debians_words_become_spdx_only_where_they_are_certain(synopsis: str, meaning: str) -> None:
    """A wrong identifier would be worse than none."""
    assert combined(synopsis) == meaning


@settings(max_examples=300)
@given(st.lists(NAMES, min_size=1, max_size=4), st.lists(JOINS, min_size=4, max_size=4))
def test_whatever_is_joined_is_valid_spdx_or_nothing(names: list[str], joins: list[str]) -> None:
    """Judged by another reader of SPDX expressions; what has a part that maps to none maps to none."""
    found = combined("".join(f"{name}{join}" for name, join in zip(names, joins, strict=False)) + "ISC")
    assert not found or SPDX.validate(found).errors == []
    assert bool(found) <= all(identifier(name) for name in names)


@settings(max_examples=300)
@given(st.text(st.sampled_from("GPL-2+ andorwithMIT(),.\n:Files License*"), max_size=300))
def test_strangers_words_are_never_more_than_words(text: str) -> None:
    """Whatever stands in a copyright file or a record: it maps to valid SPDX or to a name, and nothing ends."""
    found = [*licences(f"Format: 1.0\n\nFiles: *\nLicense: {text}", "thing"), *licences(text, "thing")]
    assert found
    assert all(bool(one.spdx) != bool(one.name) for one in found)
    assert all(SPDX.validate(one.spdx).errors == [] for one in found if one.spdx)
    assert [package.name for package in installed(f"P:x\nV:1\nL:{text}")][:1] == ["x"]


def test_every_identifier_in_the_tables_is_one_of_spdx() -> None:
    """A slip of the pen would go into every document."""
    for found in (*OTHERS.values(), *filter(None, CLASSIFIERS.values())):
        assert SPDX.validate(found).errors == []
        assert identifier(found) == found


def test_a_machine_readable_copyright_file_declares_what_its_files_have() -> None:
    """Header and files count; a paragraph that only brings a text does not."""
    assert licences(MACHINE_READABLE, "thing") == (
        Licence(spdx="GPL-2.0-or-later"),
        Licence(spdx="MIT"),
        Licence(name="GPL-1+ or Artistic"),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See `/usr/share/common-licenses/GPL-2'.", (Licence(name="GPL-2"),)),
        ("On Debian: /usr/share/common-licenses/Apache-2.0.", (Licence(spdx="Apache-2.0"),)),
        ("All rights reserved, and so on.", (Licence(name="see /usr/share/doc/thing/copyright"),)),
        ("", (Licence(name="see /usr/share/doc/thing/copyright"),)),
        (
            "Format: 1.0\n\nFiles: *\nLicense: Permission to use, copy, modify.\n",
            (Licence(name="see /usr/share/doc/thing/copyright"),),
        ),
    ],
)
def test_a_copyright_file_in_prose_is_named_not_guessed(text: str, expected: tuple[Licence, ...]) -> None:
    """Whether a later version of GNU's will do stands in prose only, so no identifier is claimed."""
    assert licences(text, "thing") == expected


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("License-Expression: mit or apache-2.0", (Licence(spdx="MIT OR Apache-2.0"),)),
        ("License: BSD-3-Clause", (Licence(spdx="BSD-3-Clause"),)),
        ("License: The MIT License\nClassifier: Programming Language :: Python", (Licence(spdx="MIT"),)),
        ("License: Own words", (Licence(name="Own words"),)),
        ("License: BSD\nClassifier: License :: OSI Approved :: BSD License", (Licence(name="BSD License"),)),
        (
            "Classifier: License :: OSI Approved :: MIT License\nClassifier: License :: Other/Proprietary License",
            (Licence(spdx="MIT"), Licence(name="Other/Proprietary License")),
        ),
        ("Summary: nothing said", ()),
    ],
)
def test_a_wheel_declares_its_licence_by_the_most_exact_field(
    tmp_path: Path, metadata: str, expected: tuple[Licence, ...]
) -> None:
    """License-Expression, then License where it is a name, then classifiers."""
    shelf = Shelf(tmp_path)
    wheel = shelf.wheel("thing", metadata)
    assert wheel_facts(shelf.vault.path(wheel.sha256), wheel.filename).licences == expected


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ("Author: Ada\nAuthor-Email: ada@example.org", Supplier(name="Ada", email="ada@example.org")),
        ("Author-Email: Ada <ada@example.org>, B <b@x>", Supplier(name="Ada", email="ada@example.org")),
        ("Author: Ada\nMaintainer-Email: B <b@example.org>", Supplier(name="B", email="b@example.org")),
        ("Author: Ada", Supplier(name="Ada")),
        ("Summary: nobody", None),
    ],
)
def test_a_wheel_says_who_stands_behind_it(tmp_path: Path, metadata: str, expected: Supplier | None) -> None:
    """Maintainers before authors; name and address from one field or two."""
    shelf = Shelf(tmp_path)
    wheel = shelf.wheel("thing", metadata)
    assert wheel_facts(shelf.vault.path(wheel.sha256), wheel.filename).supplier == expected
