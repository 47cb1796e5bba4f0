"""Where packages come from, in both of apt's formats, and which of it is the distribution's own."""

import pytest

from repave.operations.adopting.sources import Release, is_own, release, sources

BOOKWORM = Release(distribution="debian", name="bookworm")

DEB822 = """# a comment
Types: deb
# another
URIs: http://deb.debian.org/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb-src
URIs: http://deb.debian.org/debian
Suites: bookworm
Components: main

Types: deb
URIs: https://off.example/debian
Suites: bookworm
Components: main
Enabled: no
"""


def test_both_formats_are_read() -> None:
    """Lines and paragraphs give the same; sources of source, comments and what is off give nothing."""
    found = sources(
        {
            "/etc/apt/sources.list": "# deb http://no.example/ x y\n"
            "deb [arch=amd64 signed-by=/k.gpg] https://nginx.org/packages/debian bookworm nginx\n",
            "/etc/apt/sources.list.d/debian.sources": DEB822,
            "/etc/apt/sources.list.d/old.list.save": "deb http://no.example/ x y\n",
        }
    )
    assert [(one.address, one.suite, one.components, one.keyring) for one in found] == [
        ("https://nginx.org/packages/debian", "bookworm", ("nginx",), "/k.gpg"),
        ("http://deb.debian.org/debian", "bookworm", ("main",), "/usr/share/keyrings/debian-archive-keyring.gpg"),
        (
            "http://deb.debian.org/debian",
            "bookworm-updates",
            ("main",),
            "/usr/share/keyrings/debian-archive-keyring.gpg",
        ),
    ]
    assert found[0].line == "deb [signed-by=/k.gpg] https://nginx.org/packages/debian bookworm nginx"


@pytest.mark.parametrize(
    ("line", "own"),
    [
        ("deb http://deb.debian.org/debian bookworm main", True),
        ("deb http://security.debian.org/debian-security bookworm-security main", True),
        ("deb http://mirror.corp.example/debian bookworm main contrib", True),
        ("deb https://nginx.org/packages/debian bookworm nginx", False),
        ("deb https://download.docker.com/linux/debian bookworm stable", False),
        ("deb https://apt.postgresql.org/pub/repos/apt bookworm-pgdg main", False),
        ("deb https://deb.nodesource.com/node_20.x nodistro main", False),
    ],
)
def test_the_distributions_own_archive_is_told_from_others(line: str, *, own: bool) -> None:
    """By suite, components and address, where no signed list says whose it is."""
    (source,) = sources({"/etc/apt/sources.list": line})
    assert is_own(source, BOOKWORM, {}) is own


def test_a_signed_list_has_the_last_word() -> None:
    """An archive that looks like Debian's and says that it is another's is another's."""
    (source,) = sources({"/etc/apt/sources.list": "deb https://pkg.example/x_y/debian bookworm main"})
    assert source.list_prefix == "pkg.example_x%5fy_debian_dists_bookworm_"
    assert not is_own(source, BOOKWORM, {source.list_prefix: "pkg.example"})
    assert is_own(source, BOOKWORM, {source.list_prefix: "Debian"})


def test_the_release_is_what_the_server_says() -> None:
    """Quotes or none; a server that says nothing has none."""
    assert release({"/etc/os-release": 'ID=ubuntu\nVERSION_CODENAME="noble"\n'}) == Release(
        distribution="ubuntu", name="noble"
    )
    assert release({}) == Release(distribution="", name="")
