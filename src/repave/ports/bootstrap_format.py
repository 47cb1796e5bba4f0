"""What a machine that installs itself is told at its first start: a document for cloud-init, which JSON is as well.

It holds the program that installs, and what that shall install: each file by sha256 and size. It is made when the image
is baked and has no setting of an environment; who starts the machine adds those, see ``with_files``.

Source: https://cloudinit.readthedocs.io/en/22.4.2/topics/format.html (cloud config data), modules write_files, runcmd.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from repave.ports.errors import Invalid

FIRST_LINE = "#cloud-config\n"
FOLDER = "/run/repave/bootstrap"
"""In the machine's memory: what the document lays there is needed once."""

PROGRAM = f"{FOLDER}/install.py"
MANIFEST = f"{FOLDER}/manifest.json"
FILES_LABEL = "REPAVE_FILES"
"""Of the disk that has the files, each named by its sha256, where one is attached."""

MIRROR = "/run/repave/mirror"
"""A file with the address of a mirror, for a machine without that disk; laid by who starts it."""

BEGUN = "/var/lib/cloud/instance/sem/config_scripts_user"
"""Laid by cloud-init just before it runs the program, which it never does again."""

CONSOLE = "/dev/console"
GIVE_UP = """\
[ -e "$1" ] || exit 0
[ -L "$2" ] && exit 0
echo 'repave: bootstrap failed: the first start was broken off, and there is no second' >"$3"
systemctl poweroff --force
"""
"""For a shell at every start: a machine that began (1) and was not done (2) says so (3), and is off."""


def bootstrap_document(program: str, manifest: Mapping[str, Any], *, done: str) -> bytes:
    """The document, always the same for the same content. Nothing in it brings a package up to date.

    ``done`` is the link that the program lays last: without it a machine that begins anew is switched off.
    """
    laid = {PROGRAM: program, MANIFEST: json.dumps(manifest, sort_keys=True, separators=(",", ":"))}
    said = {
        "write_files": [{"path": path, "permissions": "0600", "content": text} for path, text in laid.items()],
        "package_update": False,
        "package_upgrade": False,
        "bootcmd": [["/bin/sh", "-c", GIVE_UP, "sh", BEGUN, done, CONSOLE]],
        "runcmd": [["/usr/bin/python3", "-I", PROGRAM, MANIFEST]],
    }
    return f"{FIRST_LINE}{json.dumps(said, separators=(',', ':'))}\n".encode()


def with_files(document: str, files: Sequence[Mapping[str, str]], what: str) -> str:
    """The document with more of cloud-init's ``write_files``; ``what`` is for people. Raises Invalid."""
    try:
        said = json.loads(document.removeprefix(FIRST_LINE))
        laid = [*said["write_files"], *files]
    except (ValueError, RecursionError, TypeError, KeyError) as error:
        raise Invalid(f"{what} has a document that cannot be read: {error}", hint="bake the image again") from error
    return f"{FIRST_LINE}{json.dumps({**said, 'write_files': laid})}\n"
