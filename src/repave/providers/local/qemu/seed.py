"""What a machine is told at its first start: a small disk with its name and its variables.

The variables are a file of their own, which a machine's initrd takes by itself. cloud-init is told nothing of them: it
keeps what it is told on the machine's disk, which is a file here. Only an older machine has them from it (NoCloud).

Of a machine that installs itself, also what its document says.

Source: https://cloudinit.readthedocs.io/en/22.4.2/topics/datasources/nocloud.html, systemd.exec(5) on EnvironmentFile.
"""

import io
import json
import re
from base64 import b64encode
from collections.abc import Mapping

from repave.ports.bootstrap_format import FIRST_LINE, with_files
from repave.ports.disk_format import ENVIRONMENT_FILE, ENVIRONMENT_NAME
from repave.providers.local.mapping import Record
from repave.providers.local.variables import hostname

LABEL = "cidata"
NOTHING = f"{FIRST_LINE}{{}}\n"
NO_FILES = f'{FIRST_LINE}{{"write_files": []}}'
ESCAPED = re.compile(r'[\\"$`]')


def seed_disk(
    record: Record, variables: Mapping[str, str], document: str = "", *, takes_environment: bool = True
) -> bytes:
    """The image of the disk, ISO 9660. It holds secrets: it goes to QEMU alone, and lies in no file with a name.

    ``takes_environment`` is whether the machine's initrd takes the variables. Raises Invalid for a document that cannot
    be read.
    """
    from pycdlib.pycdlib import PyCdlib  # noqa: PLC0415 - who starts no machine has no use for it

    disk = PyCdlib()
    disk.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident=LABEL)
    files = {
        "meta-data": meta_data(record),
        "user-data": document or NOTHING if takes_environment else user_data(variables, document),
        ENVIRONMENT_NAME: environment_file(variables),
    }
    for name, content in files.items():
        encoded = content.encode()
        short = f"/{name.upper().replace('-', '_')}.;1"
        disk.add_fp(io.BytesIO(encoded), len(encoded), short, rr_name=name, joliet_path=f"/{name}")
    image = io.BytesIO()
    disk.write_fp(image)
    disk.close()
    return image.getvalue()


def meta_data(record: Record) -> str:
    """Who the machine is; JSON is YAML."""
    return json.dumps({"instance-id": record.instance, "local-hostname": hostname(record.slot)}) + "\n"


def user_data(variables: Mapping[str, str], document: str = "") -> str:
    """What an older machine is told: the document, and the variables, as a file of its memory that root may read."""
    file = {
        "path": ENVIRONMENT_FILE,
        "permissions": "0600",
        "encoding": "b64",
        "content": b64encode(environment_file(variables).encode()).decode(),
    }
    return with_files(document or NO_FILES, [file], "the machine")


def environment_file(variables: Mapping[str, str]) -> str:
    """The variables as systemd reads them back."""
    return "".join(f'{name}="{ESCAPED.sub(_escape, value)}"\n' for name, value in sorted(variables.items()))


def _escape(found: re.Match[str]) -> str:
    return f"\\{found[0]}"
