"""Debian packages made to do harm."""

import gzip
from collections.abc import Sequence

from hostile import Hostile
from tar_bytes import entry, tar

from repave.archives.packages import MAGIC


def packed(*parts: tuple[str, bytes]) -> bytes:
    """A Debian package of these members."""
    made = MAGIC
    for name, content in parts:
        made += f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
        made += content + b"\n" * (len(content) % 2)
    return made


def data_package(data: bytes) -> bytes:
    """One with this data, uncompressed."""
    return packed(("debian-binary", b"2.0\n"), ("control.tar", bytes(1024)), ("data.tar", data))


def packages() -> Sequence[Hostile]:
    """Debian packages that are wrong by themselves; what is wrong with their tars is among ``TARS``."""
    whole = data_package(tar(entry("name")))
    return (
        Hostile(name="no-package", content=b"<html>" * 100, says="is no Debian package"),
        Hostile(name="empty", content=b"", says="is no Debian package"),
        Hostile(name="no-data", content=MAGIC, says="holds no control"),
        Hostile(name="cut-off", content=whole[:-700], says="is cut off", member="data.tar"),
        Hostile(name="header-cut-off", content=whole + b"x" * 59, says="damaged Debian package"),
        Hostile(name="rubbish", content=MAGIC + b"x" * 60, says="damaged Debian package"),
        Hostile(name="negative", content=whole.replace(b"4         `", b"-68       `"), says="damaged Debian package"),
        Hostile(
            name="twice",
            content=packed(("control.tar", bytes(1024)), ("control.tar", bytes(1024)), ("data.tar", tar())),
            says="stands in it twice",
        ),
        Hostile(
            name="two-of-one-part",
            content=packed(("control.tar", bytes(1024)), ("data.tar", tar()), ("data.tar.gz", gzip.compress(tar()))),
            says="more than one data",
        ),
        Hostile(name="many", content=packed(*((f"_{n}", b"") for n in range(40))), says="more than 32"),
    )
