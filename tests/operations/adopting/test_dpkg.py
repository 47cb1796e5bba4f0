"""dpkg's database says what is installed, by whom it was wanted, whose each file is and what it was."""

from repave.operations.adopting import dpkg

STATUS = """Package: base
Essential: yes
Status: install ok installed
Priority: required
Version: 1

Package: web
Status: hold ok installed
Priority: optional
Version: 2
Depends: library (>= 1), mail-agent | web-mail
Conffiles:
 /etc/web.conf 00000000000000000000000000000001
 /etc/gone.conf 00000000000000000000000000000002 obsolete

Package: library
Status: install ok installed
Version: 3

Package: postman
Status: install ok installed
Version: 4
Provides: mail-agent

Package: left
Status: deinstall ok config-files
Version: 5
"""

FILES = {
    dpkg.STATUS: STATUS,
    dpkg.EXTENDED: "Package: library\nArchitecture: amd64\nAuto-Installed: 1\n",
    f"{dpkg.INFO}web.list": "/.\n/bin/web\n/etc/web.conf\n",
    f"{dpkg.INFO}library:amd64.list": "/usr/lib/library.so\n",
    f"{dpkg.INFO}left.list": "/etc/left.conf\n",
    f"{dpkg.INFO}web.md5sums": "00000000000000000000000000000003  bin/web\n",
    dpkg.DIVERSIONS: "/bin/web\n/bin/web.real\nlibrary\n",
}


def test_what_is_installed_and_wanted() -> None:
    """What apt remembers as pulled in was not asked for, nor what every installation has; holds are told."""
    found = dpkg.database(FILES, {})
    assert set(found.packages) == {"base", "web", "library", "postman"}
    assert found.by_hand == ("postman", "web")
    assert [one.name for one in found.packages.values() if one.held] == ["web"]


def test_files_have_owners_wherever_links_and_diversions_put_them() -> None:
    """A merged /usr and a diversion change the path, not whose it is; what was removed is nobody's."""
    found = dpkg.database(FILES, {"/bin": "/usr/bin"})
    assert found.owners["/usr/bin/web"] == found.owners["/usr/bin/web.real"] == "web"
    assert found.originals == {
        "/usr/bin/web.real": "00000000000000000000000000000003",
        "/etc/web.conf": "00000000000000000000000000000001",
    }
    assert "/etc/left.conf" not in found.owners


def test_what_packages_need_is_followed_through_virtual_names() -> None:
    """One that provides what is needed counts, as apt takes it; essential ones are always there."""
    found = dpkg.database(FILES, {})
    assert found.closure(("web",)) == {"base", "web", "library", "postman"}
    assert found.closure(()) == {"base"}
