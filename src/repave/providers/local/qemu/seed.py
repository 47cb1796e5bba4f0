"""What a machine is told at its first start: a small disk with its name and its variables.

It has the variables twice: as a file that a machine's initrd takes by itself, and for cloud-init's NoCloud.

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
NOTHING = f'{FIRST_LINE}{{"write_files": []}}'
ESCAPED = re.compile(r'[\\"$`]')


def seed_disk(record: Record, variables: Mapping[str, str], document: str = "") -> bytes:
    """The image of the disk, ISO 9660. It holds secrets: it goes to QEMU alone, and lies in no file with a name.

    Raises Invalid for a document that cannot be read.
    """
    from pycdlib.pycdlib import PyCdlib  # noqa: PLC0415 - who starts no machine has no use for it

    disk = PyCdlib()
    disk.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident=LABEL)
    files = {
        "meta-data": meta_data(record),
        "user-data": user_data(variables, document),
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
    """The document, and what the application starts with: a file of the machine's memory that root alone may read."""
    file = {
        "path": ENVIRONMENT_FILE,
        "permissions": "0600",
        "encoding": "b64",
        "content": b64encode(environment_file(variables).encode()).decode(),
    }
    return with_files(document or NOTHING, [file], "the machine")


def environment_file(variables: Mapping[str, str]) -> str:
    """The variables as systemd reads them back."""
    return "".join(f'{name}="{ESCAPED.sub(_escape, value)}"\n' for name, value in sorted(variables.items()))


def _escape(found: re.Match[str]) -> str:
    return f"\\{found[0]}"
