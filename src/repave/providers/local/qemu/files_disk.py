"""The disk with the files that a machine installs itself from: read only, the same for all machines of an artifact."""

from collections.abc import Mapping
from pathlib import Path

from repave.ports.bootstrap_format import FILES_LABEL


def write_files_disk(target: Path, files: Mapping[str, Path]) -> None:
    """Write an image in ISO 9660 with Rock Ridge to ``target``; ``files`` has the sources by their names there."""
    from pycdlib.pycdlib import PyCdlib  # noqa: PLC0415 - who starts no machine has no use for it

    disk = PyCdlib()
    disk.new(interchange_level=3, rock_ridge="1.09", vol_ident=FILES_LABEL)
    for number, (name, source) in enumerate(sorted(files.items())):
        # By its path: it is open only while it is copied, for there may be thousands.
        disk.add_file(str(source), f"/F{number:07}.;1", rr_name=name)
    disk.write(str(target))
    disk.close()
