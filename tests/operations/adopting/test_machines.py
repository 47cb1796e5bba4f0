"""A small server becomes a virtual machine: all that it starts, as whom and when, but for what it must not have."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from old_shop import PLAIN, UNIT, WANTS, adopted, server, unit

from repave.model.recipe import Image, ImageKind
from repave.operations.adopting.adopt import Adopted, adopt
from repave.operations.adopting.findings import Area, Covered, Fate
from repave.operations.adopting.rules import Rules
from repave.operations.errors import Refused
from repave.ports.progress import Silent

PACKAGED = """
Package: nginx
Status: install ok installed
Priority: optional
Version: 1

Package: cron
Status: install ok installed
Priority: important
Version: 3

Package: postgresql-15
Status: install ok installed
Priority: optional
Version: 15
"""
SERVING: Mapping[str, str] = {
    "/var/lib/dpkg/status": PLAIN["/var/lib/dpkg/status"] + PACKAGED,
    "/var/lib/dpkg/info/nginx.list": "/usr/sbin/nginx\n/usr/lib/systemd/system/nginx.service\n",
    "/usr/sbin/nginx": "nginx",
    "/usr/lib/systemd/system/nginx.service": "[Service]\nExecStart=/usr/sbin/nginx\n[Install]\n",
    "/var/lib/dpkg/info/cron.list": "/usr/sbin/cron\n/usr/lib/systemd/system/cron.service\n",
    "/usr/lib/systemd/system/cron.service": "[Service]\nExecStart=/usr/sbin/cron -f\n",
    "/usr/sbin/cron": "cron",
    "/var/lib/dpkg/info/postgresql-15.list": "/usr/lib/systemd/system/postgresql.service\n",
    "/usr/lib/systemd/system/postgresql.service": "[Service]\nExecStart=/usr/bin/true\n",
    "/etc/nginx/nginx.conf": "listen 8080;\n",
}
PHP = {
    "/var/lib/dpkg/status": SERVING["/var/lib/dpkg/status"]
    + "\nPackage: php\nStatus: install ok installed\nPriority: optional\nVersion: 8\n",
    "/var/lib/dpkg/info/php.list": "/usr/lib/systemd/system/php.service\n",
    "/usr/lib/systemd/system/php.service": "[Service]\nExecStart=/usr/bin/true\n",
}
"""Beside what ``SERVING`` has: a package whose service was masked before it was ever started."""

ACCOUNTS = {
    "/etc/passwd": "root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/var/www:/bin/sh\nshop:x:1001:50::/home/shop:/bin/sh\n"
    "alice:x:1002:1002::/home/alice:/bin/bash\nodd name:x:1003:1003::/:/bin/sh\n",
    "/etc/group": "staff:x:50:\nssl-cert:x:105:shop,alice\nextra:x:300:\nsudo:x:27:shop\nshop:x:9:\n",
}
RUNS = {**SERVING, **ACCOUNTS}
OWN = "/etc/systemd/system"
ON = f"{OWN}/multi-user.target.wants"
STARTED = {
    f"{ON}/{name}.service": f"/usr/lib/systemd/system/{name}.service" for name in ("nginx", "cron", "postgresql")
}


def as_machine(tmp_path: Path, files: Mapping[str, str], links: Mapping[str, str]) -> tuple[Adopted, Image]:
    """What was found, and the image."""
    return adopted(tmp_path, files, links, kind=ImageKind.VM)


def fate_of(found: Adopted, area: Area, name: str) -> Fate:
    """What becomes of one thing."""
    (one,) = [one for one in found.found if (one.area, one.name) == (area, name)]
    return one.fate


def made(tmp_path: Path, path: str) -> str:
    """What a file of the recipe says."""
    return (tmp_path / "out/files" / path).read_text(encoding="utf-8")


def test_all_that_the_server_starts_is_named(tmp_path: Path) -> None:
    """By the packages and by itself, and cron, for which nobody asks; a database's service is state."""
    files = {**RUNS, **unit("ExecStart=/usr/bin/python3 -m shop --port 8000\n")}
    found, image = as_machine(tmp_path, files, {**STARTED, WANTS: UNIT})
    assert (image.kind, image.run) == (ImageKind.VM, ())
    assert image.units == ("cron.service", "nginx.service", "shop.service")
    assert image.packages == ("cron", "nginx", "python3")
    assert fate_of(found, Area.UNIT, "postgresql.service") is Fate.STATE
    assert found.coverage.units == Covered(covered=3, total=4)
    assert (found.coverage.ports, fate_of(found, Area.PORT, "8000")) == (Covered(covered=2, total=2), Fate.TAKEN)
    assert "port: 8080" in found.file.read_text(encoding="utf-8")


def test_a_service_runs_as_its_user_whom_the_machine_makes(tmp_path: Path) -> None:
    """With number, group and memberships, but for those that own the machine; its folders are made, and nobody else."""
    root = server(
        tmp_path / "root", {**RUNS, **unit("User=shop\nGroup=extra\nExecStart=/usr/bin/python3")}, {WANTS: UNIT}
    )
    for path, owner in (("var/log/shop", 1001), ("var/log/shop/old", 1001), ("srv/cache", 33), ("srv/hers", 1002)):
        (tmp_path / "root" / path).mkdir(parents=True)
        os.chown(tmp_path / "root" / path, owner, 0)
        (tmp_path / "root" / path).chmod(0o750)
    found = adopt(root, tmp_path / "out", Rules(), ImageKind.VM, Silent())
    assert made(tmp_path, "etc/sysusers.d/adopted.conf") == (
        "# By `repave adopt`.\ng extra 300\nu shop 1001:50 - /home/shop /bin/sh\nm shop ssl-cert\n"
    )
    assert made(tmp_path, "etc/tmpfiles.d/adopted.conf") == (
        "# By `repave adopt`.\nd /srv/cache 0750 www-data www-data -\nd /var/log/shop 0750 shop staff -\n"
    )
    assert "- systemd-sysusers.service" in found.file.read_text(encoding="utf-8")
    assert (fate_of(found, Area.USER, "shop"), fate_of(found, Area.USER, "alice")) == (Fate.TAKEN, Fate.OPEN)


def test_secrets_of_a_unit_are_withheld_and_it_starts_all_the_same(tmp_path: Path) -> None:
    """Its variables come with the fleet's configuration instead; what else it says is as it was."""
    files = {
        **RUNS,
        **unit(
            "Environment=LEVEL=info DB_PASSWORD=hunter2\nEnvironmentFile=/etc/default/shop\n"
            "EnvironmentFile=-/etc/default/plain\nExecStart=/usr/bin/python3 -m shop --port 8000"
        ),
        "/etc/default/shop": "SHOP_TOKEN=abcdef\n",
        "/etc/default/plain": "RATE=5\n",
    }
    found, image = as_machine(tmp_path, files, {WANTS: UNIT})
    assert image.units == ("shop.service",)
    text = made(tmp_path, UNIT.lstrip("/"))
    assert "Environment=LEVEL=info\n" in text
    assert "ExecStart=/usr/bin/python3 -m shop --port 8000\n" in text
    assert made(tmp_path, "etc/systemd/system/shop.service.d/zz-adopted.conf") == (
        "# By `repave adopt`.\n[Service]\nEnvironmentFile=\nEnvironmentFile=-/etc/default/plain\n"
    )
    recipe = found.file.read_text(encoding="utf-8")
    assert "DB_PASSWORD: {secret: env:DB_PASSWORD}" in recipe
    assert "SHOP_TOKEN: {secret: env:SHOP_TOKEN}" in recipe
    everything = [path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert not [content for content in everything if b"hunter2" in content or b"abcdef" in content]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("ExecStart=/usr/bin/python3 --password=hunter2", f"{UNIT} is not taken"),
        ("ExecStart=/usr/bin/python3 --password hunter2", f"{UNIT} is not taken"),
        ("ExecStart=/usr/bin/mysqldump -uroot -phunter2 shop", f"{UNIT} is not taken"),
        ("ExecStart=/usr/bin/curl -u me:hunter2 https://example.org", f"{UNIT} is not taken"),
        ("ExecStart=/usr/bin/python3 postgres://shop:hunter2@localhost/shop", f"{UNIT} is not taken"),
        ("ExecStart=/usr/bin/python3 /root/work.py", "the recipe does not have /root/work.py"),
        ("ExecStart=/opt/jdk/bin/java -jar shop.jar", "the recipe does not have /opt/jdk/bin/java"),
    ],
)
def test_what_cannot_start_is_told(tmp_path: Path, lines: str, why: str) -> None:
    """With the reason; the recipe does not name it."""
    files = {**RUNS, **unit(lines), "/root/work.py": ""}
    found, image = as_machine(tmp_path, files, {**STARTED, WANTS: UNIT})
    (one,) = [one for one in found.found if one.name == "shop.service"]
    assert "hunter2" not in found.file.read_text(encoding="utf-8") + repr(found)
    assert (one.fate, one.detail) == (Fate.OPEN, f"of nobody's package: {UNIT}: {why}")
    assert "shop.service" not in image.units


def test_programs_of_an_environment_are_the_images_own(tmp_path: Path) -> None:
    """Where they stood is what runs those: units, jobs and scripts name them as they did."""
    bin_folder = "/opt/shop/env/bin"
    files = {
        **RUNS,
        **unit(
            f"ExecStartPre=-{bin_folder}/flask db upgrade\nExecStart=@{bin_folder}/python -m shop --level ${{LEVEL}}"
        ),
        "/opt/shop/env/pyvenv.cfg": "",
        "/opt/shop/env/lib/python3.11/site-packages/flask-3.0.3.dist-info/METADATA": "Name: flask\n",
        "/opt/shop/env/lib/python3.11/site-packages/flask-3.0.3.dist-info/RECORD": "../../../bin/flask,sha256=x,1\n",
        **{f"{bin_folder}/{name}": "" for name in ("flask", "python", "pip3", "own", "activate", "activate.fish")},
        "/etc/cron.d/shop": f"0 1 * * * www-data {bin_folder}/flask clean\n",
    }
    _, image = as_machine(tmp_path, files, {WANTS: UNIT})
    assert (image.python, image.units) == (("flask == 3.0.3",), ("shop.service",))
    folder = tmp_path / "out/files" / bin_folder.lstrip("/")
    assert {path.name for path in folder.iterdir()} == {"flask", "python", "activate"}
    assert 'exec /usr/local/bin/flask "$@"\n' in (folder / "flask").read_text(encoding="utf-8")
    assert 'exec /usr/bin/python3 "$@"\n' in (folder / "python").read_text(encoding="utf-8")
    assert os.access(folder / "python", os.X_OK)
    assert made(tmp_path, UNIT.lstrip("/")) == files[UNIT]


def test_what_somebody_switched_off_stays_off(tmp_path: Path) -> None:
    """Masked, nothing starts it, though a link to it is there; disabled, a package's link is taken back.

    What no package ever started needs nothing.
    """
    once = "/var/lib/systemd/deb-systemd-helper-enabled"
    files = {
        **RUNS,
        f"{once}/multi-user.target.wants/nginx.service": "",
        f"{once}/gone.service.dsh-also": "",
        **unit("ExecStart=/usr/bin/python3"),
    }
    links = {"/etc/systemd/system/cron.service": "/dev/null", f"{ON}/cron.service": "/lib/systemd/system/cron.service"}
    found, image = as_machine(tmp_path, {**files, **PHP}, {**links, WANTS: UNIT, f"{OWN}/php.service": "/dev/null"})
    assert (image.units, image.run) == (("shop.service",), ())
    assert made(tmp_path, "etc/systemd/system/multi-user.target.wants/nginx.service") == ""
    assert made(tmp_path, "etc/systemd/system/php.service") == ""
    assert fate_of(found, Area.UNIT, "nginx.service") is Fate.TAKEN
    assert not (tmp_path / "out/files/etc/systemd/system/gone.service").exists()
    assert "cron" not in image.packages


def test_what_a_timer_starts_is_judged_with_it(tmp_path: Path) -> None:
    """As whom it runs, and without what secrets; where it cannot start the timer is to decide, too."""
    timers = {
        f"{OWN}/good.timer": "[Timer]\nOnCalendar=daily\n",
        f"{OWN}/good.service": "[Service]\nUser=shop\nEnvironment=TOKEN=a-secret KEEP=1\nExecStart=/usr/bin/python3\n",
        f"{OWN}/bad.timer": "[Timer]\nOnCalendar=daily\n",
        f"{OWN}/bad.service": "[Service]\nExecStart=/opt/gone\n",
    }
    links = {f"{ON}/{name}.timer": f"{OWN}/{name}.timer" for name in ("good", "bad")}
    found, image = as_machine(tmp_path, {**RUNS, **timers}, links)
    assert image.units == ("good.timer", "systemd-sysusers.service")
    assert "a-secret" not in made(tmp_path, "etc/systemd/system/good.service")
    assert (fate_of(found, Area.UNIT, "good.service"), fate_of(found, Area.USER, "shop")) == (Fate.TAKEN, Fate.TAKEN)
    assert (fate_of(found, Area.UNIT, "bad.timer"), fate_of(found, Area.UNIT, "bad.service")) == (Fate.OPEN, Fate.OPEN)


@pytest.mark.parametrize(
    ("wanted", "fate"),
    [
        ("Requires=postgresql.service", Fate.OPEN),
        ("Wants=postgresql.service", Fate.TAKEN),
        ("Requires=db.service", Fate.OPEN),
    ],
)
def test_a_unit_without_what_it_needs_is_to_decide(tmp_path: Path, wanted: str, fate: Fate) -> None:
    """By its own name or another; what it only wishes for may be elsewhere."""
    files = {**RUNS, UNIT: f"[Unit]\n{wanted}\n[Service]\nExecStart=/usr/bin/python3\n"}
    links = {WANTS: UNIT, f"{OWN}/db.service": "/usr/lib/systemd/system/postgresql.service"}
    found, _ = as_machine(tmp_path, files, links)
    assert fate_of(found, Area.UNIT, "shop.service") is fate


def test_a_unit_that_is_linked_from_elsewhere_comes_along(tmp_path: Path) -> None:
    """`systemctl enable /opt/shop/web.service` lays links to where it stands."""
    files = {**RUNS, "/opt/shop/web.service": "[Service]\nExecStart=/usr/bin/python3\n"}
    links = {f"{OWN}/web.service": "/opt/shop/web.service", f"{ON}/web.service": "/opt/shop/web.service"}
    _, image = as_machine(tmp_path, files, links)
    assert image.units == ("web.service",)
    assert made(tmp_path, "etc/systemd/system/web.service") == files["/opt/shop/web.service"]


def test_a_worker_in_somebodys_home_is_taken_from_there(tmp_path: Path) -> None:
    """It listens nowhere, and is an application all the same; what else lies in that home is not."""
    files = {
        **RUNS,
        **unit("User=shop\nWorkingDirectory=/home/shop/worker\nExecStart=/usr/bin/python3 work.py"),
        "/home/shop/worker/work.py": "print()\n",
        "/home/shop/notes.txt": "mine\n",
        f"{OWN}/hidden.service": "[Service]\nExecStart=/home/shop/.local/bin/run\n",
        "/home/shop/.local/bin/run": "#!/bin/sh\n",
        "/home/shop/.local/share/wallet": "mine\n",
    }
    found, image = as_machine(tmp_path, files, {WANTS: UNIT, f"{ON}/hidden.service": f"{OWN}/hidden.service"})
    assert image.units == ("hidden.service", "shop.service", "systemd-sysusers.service")
    assert {one.name for one in found.found if one.area is Area.STATE} == {"/home/shop/.local/", "/home/shop/notes.txt"}
    assert not (tmp_path / "out/files/home/shop/.local/share").exists()
    assert made(tmp_path, "home/shop/worker/work.py") == "print()\n"
    assert fate_of(found, Area.STATE, "/home/shop/notes.txt") is Fate.STATE


def test_jobs_run_as_they_did(tmp_path: Path) -> None:
    """Those of all are files, a user's own say from now on as whom they run; one with a secret is told."""
    files = {
        **RUNS,
        "/etc/cron.d/report": "MAILTO=root\n30 2 * * * shop /usr/local/bin/report\n",
        "/var/spool/cron/crontabs/shop": "# mine\nPATH=/bin\n*/5 * * * * sync --all\n@daily clean\n",
        "/var/spool/cron/crontabs/alice": "0 1 * * * fetch --token=hunter2secret\n",
        "/etc/sysctl.d/60-own.conf": "net.core.somaxconn = 4096\n",
    }
    found, image = as_machine(tmp_path, files, STARTED)
    assert made(tmp_path, "etc/cron.d/adopted-shop") == (
        "# mine\nPATH=/bin\n*/5 * * * * shop sync --all\n@daily shop clean\n"
    )
    assert "u shop " in made(tmp_path, "etc/sysusers.d/adopted.conf")
    assert fate_of(found, Area.CRON, "/etc/cron.d/report") is Fate.TAKEN
    assert fate_of(found, Area.CRON, "/var/spool/cron/crontabs/shop") is Fate.TAKEN
    assert fate_of(found, Area.CRON, "/var/spool/cron/crontabs/alice") is Fate.OPEN
    assert fate_of(found, Area.KERNEL, "net.core.somaxconn = 4096") is Fate.TAKEN
    assert not list((tmp_path / "out/files").rglob("adopted-alice"))
    assert "hunter2" not in found.file.read_text(encoding="utf-8") + repr(found)
    assert "cron.service" in image.units


def test_what_brings_itself_up_to_date_is_not_taken(tmp_path: Path) -> None:
    """By whichever way it is started: a machine is replaced, and its recipe would not be locked with it."""
    upgrading = "apt-get -y upgrade"
    files = {
        **RUNS,
        **unit(f"ExecStart=/bin/sh -c '{upgrading}'"),
        "/etc/cron.daily/upgrade": f"#!/bin/sh\n{upgrading}\n",
        "/etc/cron.d/upgrade": f"0 3 * * * root {upgrading}\n",
        "/var/spool/cron/crontabs/root": f"0 4 * * * {upgrading}\n",
    }
    found, image = as_machine(tmp_path, files, {**STARTED, WANTS: UNIT})
    assert image.units == ("cron.service", "nginx.service")
    assert fate_of(found, Area.UNIT, "shop.service") is Fate.OPEN
    for path in ("/etc/cron.daily/upgrade", "/etc/cron.d/upgrade", "/var/spool/cron/crontabs/root"):
        assert fate_of(found, Area.CRON, path) is Fate.OPEN
    taken = [path for path in (tmp_path / "out/files").rglob("*") if path.is_file()]
    assert not [path for path in taken if upgrading in path.read_text(encoding="utf-8")]


def test_nothing_that_a_stranger_says_becomes_a_line_of_ours(tmp_path: Path) -> None:
    """Numbers that are none, homes that lead upwards, names with blanks: they are left out, and the rest is made."""
    files = {
        **RUNS,
        "/etc/passwd": f"shop:x:{'9' * 5000}:1::/:/bin/sh\nweb:x:\N{SUPERSCRIPT TWO}:1::/:/bin/sh\n"
        "big:x:4294967299:1::/:/x\n"
        "good:x:1001:1001::/home/../../x:/bin/sh -c x\nroot:x:0:0::/:/bin/sh\n",
        "/var/spool/cron/crontabs/nobody-here": "@daily x\n",
        "/var/spool/cron/crontabs/good": "@daily x\n",
        "/etc/cron.d/adopted-good": "@daily www-data y\n",
        **unit("User=shop\nExecStart=/usr/bin/python3"),
    }
    found, image = as_machine(tmp_path, files, {**STARTED, WANTS: UNIT})
    assert made(tmp_path, "etc/sysusers.d/adopted.conf") == "# By `repave adopt`.\nu good 1001 - - -\n"
    assert made(tmp_path, "etc/cron.d/adopted-good") == "@daily www-data y\n"
    assert made(tmp_path, "etc/cron.d/adopted-good_") == "@daily good x\n"
    assert fate_of(found, Area.CRON, "/var/spool/cron/crontabs/nobody-here") is Fate.OPEN
    assert "shop.service" in image.units


def test_a_front_without_a_unit_is_the_command(tmp_path: Path) -> None:
    """Somebody started it by hand: the machine runs it, beside its units."""
    found, image = as_machine(tmp_path, RUNS, {f"{ON}/cron.service": STARTED[f"{ON}/cron.service"]})
    assert (image.run[0], image.units) == ("nginx", ("cron.service",))
    assert fate_of(found, Area.PORT, "8080") is Fate.OPEN


def test_a_unit_of_a_strange_name_is_none_that_a_recipe_names(tmp_path: Path) -> None:
    """The file loads, and the rest is there."""
    strange = "a b$.service"
    files = {**RUNS, f"/etc/systemd/system/{strange}": "[Service]\nExecStart=/usr/bin/python3\n"}
    found, image = as_machine(tmp_path, files, {**STARTED, f"{ON}/{strange}": f"/etc/systemd/system/{strange}"})
    assert fate_of(found, Area.UNIT, strange) is Fate.OPEN
    assert "nginx.service" in image.units


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"/etc/os-release": "ID=ubuntu\nVERSION_CODENAME=noble\n"}, "it is of ubuntu"),
        (
            {"/var/lib/dpkg/status": PLAIN["/var/lib/dpkg/status"].replace("ture: amd64", "ture: arm64")},
            "it is of arm64",
        ),
    ],
)
def test_what_no_machine_is_made_of_is_refused(tmp_path: Path, change: Mapping[str, str], said: str) -> None:
    """Before anything is written, with what can be made of it."""
    with pytest.raises(Refused, match=said) as refused:
        as_machine(tmp_path, change, {})
    assert "--kind container" in refused.value.hint
    assert not (tmp_path / "out").exists()
