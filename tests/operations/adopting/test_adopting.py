"""A small server becomes a recipe: what is started and how, what is left out, and what is refused."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from old_shop import UNIT, WANTS, adopted, server, unit

from repave.model.recipe import ImageKind
from repave.operations.adopting.adopt import adopt
from repave.operations.adopting.findings import Area, Covered, Fate
from repave.operations.adopting.rules import Rules
from repave.operations.errors import Refused
from repave.ports.progress import Silent


def test_a_server_on_which_nothing_waits_has_an_image_and_no_fleet(tmp_path: Path) -> None:
    """Packages asked for come, with what they need; the kernel is the machine's; a removed setting stays removed."""
    found, image = adopted(tmp_path, {})
    assert (image.packages, image.run, image.base.suites) == (("python3",), ("sleep", "infinity"), ("bookworm",))
    assert (tmp_path / "out/files/etc/gone.conf").read_bytes() == b""
    assert found.coverage.packages == Covered(covered=3, total=3)
    assert "fleets:" not in found.file.read_text(encoding="utf-8")


def test_a_service_is_started_as_it_was_without_its_environment(tmp_path: Path) -> None:
    """Folder, variables and program are kept; the environment's packages are the image's own; secrets are names."""
    files = {
        **unit(
            "User=nobody\nWorkingDirectory=/opt/shop\nEnvironment=LEVEL=info DB_PASSWORD=hunter2\n"
            "EnvironmentFile=-/etc/default/shop\nCacheDirectory=shop\n"
            "ExecStart=/opt/shop/env/bin/python -m shop --port 8000 --level ${LEVEL}"
        ),
        "/etc/default/shop": "export SHOP_TOKEN=abcdef\n# no\nRATE=5\n",
        "/opt/shop/shop.py": "print()\n",
        "/opt/shop/env/pyvenv.cfg": "",
        "/opt/shop/env/lib/python3.11/site-packages/flask-3.0.3.dist-info/METADATA": "Name: flask\n",
    }
    found, image = adopted(tmp_path, files, {WANTS: UNIT})
    assert image.run == ("sh", "-c", 'cd /opt/shop && exec python3 -m shop --port 8000 --level "${LEVEL}"')
    assert (image.user, image.python, image.data) == ("nobody", ("flask == 3.0.3",), ("/var/cache/shop/",))
    text = found.file.read_text(encoding="utf-8")
    assert "hunter2" not in text
    assert 'LEVEL: "info"' in text
    assert [one.name for one in found.found if one.area is Area.SECRET and one.name.isupper()] == [
        "DB_PASSWORD",
        "RATE",
        "SHOP_TOKEN",
    ]
    assert not (tmp_path / "out/files/opt/shop/env").exists()
    assert not (tmp_path / "out/files" / UNIT.lstrip("/")).exists()
    assert found.coverage.units == Covered(covered=1, total=1)


def test_a_command_that_tells_a_secret_is_not_written(tmp_path: Path) -> None:
    """Neither in the recipe nor in the report."""
    files = unit("ExecStart=/usr/bin/python3 -m shop --port 8000 --password=hunter2")
    found, image = adopted(tmp_path, files, {WANTS: UNIT})
    assert image.run == ("sleep", "infinity")
    assert "hunter2" not in found.file.read_text(encoding="utf-8") + repr(found)


def test_what_a_recipe_cannot_hold_is_told(tmp_path: Path) -> None:
    """Links to folders, applications that nothing pins, versions that differ, names that do not show."""
    site = "lib/python3.11/site-packages"
    files = {
        "/opt/n/package.json": '{"name": "n"}',
        "/opt/n/node_modules/x/index.js": "1",
        "/opt/a/e/pyvenv.cfg": "",
        f"/opt/a/e/{site}/flask-3.0.3.dist-info/METADATA": "",
        "/opt/b/e/pyvenv.cfg": "",
        f"/opt/b/e/{site}/flask-2.3.3.dist-info/METADATA": "",
        "/opt/odd\x07name": "1",
        "/data/file": "1",
    }
    found, image = adopted(tmp_path, files, {"/srv/current": "/opt/a"})
    told = {one.name: one.detail for one in found.open}
    assert "no package-lock.json pins it" in told["/opt/n"]
    assert told["/srv/current"] == "a link to /opt/a, which is no file"
    assert "no rule knows it" in told["/data/file"]
    assert "characters" in told["/opt/odd\x07name"]
    assert "another environment has another version" in told["/opt/b/e"]
    assert image.python == ("flask == 3.0.3",)
    assert not (tmp_path / "out/files/opt/n/node_modules").exists()


def test_what_was_written_into_the_machines_own_files_is_told(tmp_path: Path) -> None:
    """Hosts that only this file knows, variables for all by name: what each machine has anyway is no word of it."""
    own = "127.0.0.1 localhost\n127.0.1.1 old-shop.example.org old-shop\n::1 localhost ip6-localhost\nff02::1 ip6-all\n"
    found, _ = adopted(
        tmp_path,
        {
            "/etc/hosts": f"{own}10.0.0.9 old-shop\n10.0.0.5 db.internal db # the ledger\n10.0.0.6 queue.internal\n",
            "/etc/environment": 'PATH="/usr/bin"\nLANG=C\nHTTP_PROXY=http://user:hunter2@proxy\n',
        },
    )
    told = {one.name: one.detail for one in found.open}
    assert told["/etc/hosts"].startswith("addresses of db.internal, queue.internal: ")
    assert told["/etc/environment"].startswith("sets HTTP_PROXY for all")
    assert "hunter2" not in found.file.read_text(encoding="utf-8") + repr(found)
    plain, _ = adopted(tmp_path / "plain", {"/etc/hosts": own, "/etc/environment": "LC_ALL=C\n"})
    assert not {"/etc/hosts", "/etc/environment"} & {one.name for one in plain.found}


def test_what_a_service_runs_besides_is_told(tmp_path: Path) -> None:
    """Before and after its own command; and that the unit is covered does not hang on it."""
    files = unit(
        "ExecStartPre=/usr/bin/python3 -m shop.migrate\nExecStartPre=-/bin/true\nExecStop=/bin/kill $MAINPID\n"
        "ExecStart=/usr/bin/python3 -m shop --port 8000"
    )
    found, _ = adopted(tmp_path, files, {WANTS: UNIT})
    told = [one.detail for one in found.open if one.area is Area.UNIT]
    assert [detail.partition(": not")[0] for detail in told] == [
        "ExecStartPre: /usr/bin/python3 -m shop.migrate; -/bin/true",
        "ExecStop: /bin/kill $MAINPID",
    ]
    assert found.coverage.units == Covered(covered=1, total=1)


def test_rights_that_an_image_does_not_have_are_told(tmp_path: Path) -> None:
    """A program that ran as root, whoever started it, does not do so any more."""
    root = server(tmp_path / "root", {"/usr/local/bin/mount-share": "#!/bin/sh\n"})
    (tmp_path / "root/usr/local/bin/mount-share").chmod(0o4755)
    found = adopt(root, tmp_path / "out", Rules(), ImageKind.CONTAINER, Silent())
    (one,) = [one for one in found.open if one.name == "/usr/local/bin/mount-share"]
    assert one.detail.endswith("its set-user-id or set-group-id bit is not taken")


def test_programs_of_one_folder_are_named_together(tmp_path: Path) -> None:
    """A kit unpacked by hand is one thing to ask about, not one for each program."""
    files = {f"/opt/kit/v1/bin/tool{number}": "\x7fELF" for number in range(8)}
    found, _ = adopted(tmp_path, files)
    (kit,) = [one for one in found.open if one.area is Area.BINARY]
    assert (kit.name, kit.size_bytes) == ("/opt/kit/v1/bin/", 32)
    assert kit.detail.startswith("8 files (tool0, tool1, tool2, tool3, tool4, tool5, ...)")


def test_environments_of_others_are_not_the_applications(tmp_path: Path) -> None:
    """What somebody tries in a home is no requirement."""
    site = "env/lib/python3.11/site-packages/flask-3.0.3.dist-info/METADATA"
    files = {f"/home/anna/{site}": "", "/home/anna/env/pyvenv.cfg": ""}
    _, image = adopted(tmp_path, files)
    assert image.python == ()


def test_a_service_in_somebodys_home_is_taken_from_there(tmp_path: Path) -> None:
    """Only the application's folder: what else is in the home is somebody's own."""
    files = {
        **unit("ExecStart=/usr/bin/python3 /home/anna/shop/serve.py --port 8000"),
        "/home/anna/shop/serve.py": "print()\n",
        "/home/anna/diary.txt": "dear diary\n",
    }
    found, image = adopted(tmp_path, files, {WANTS: UNIT})
    assert (tmp_path / "out/files/home/anna/shop/serve.py").exists()
    assert not (tmp_path / "out/files/home/anna/diary.txt").exists()
    assert {one.fate for one in found.found if one.name.startswith("/home/anna/diary")} == {Fate.STATE}
    assert image.run == ("/usr/bin/python3", "/home/anna/shop/serve.py", "--port", "8000")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"/etc/os-release": "ID=fedora\nVERSION_CODENAME=\n"}, "it is fedora"),
        ({"/etc/os-release": ""}, "no distribution that says what it is"),
    ],
)
def test_what_is_neither_debian_nor_ubuntu_is_refused(tmp_path: Path, files: Mapping[str, str], said: str) -> None:
    """Nothing is written."""
    with pytest.raises(Refused, match=said) as caught:
        adopt(server(tmp_path / "root", files), tmp_path / "out", Rules(), ImageKind.CONTAINER, Silent())
    assert "Debian and Ubuntu" in caught.value.hint
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("taken", ["repave.yaml", "files/x"])
def test_nothing_is_overwritten(tmp_path: Path, taken: str) -> None:
    """Neither a recipe nor its files."""
    place = tmp_path / "out" / taken
    place.parent.mkdir(parents=True)
    place.write_text("mine", encoding="utf-8")
    with pytest.raises(Refused, match="exists already"):
        adopt(server(tmp_path / "root", {}), tmp_path / "out", Rules(), ImageKind.CONTAINER, Silent())
    assert place.read_text(encoding="utf-8") == "mine"
