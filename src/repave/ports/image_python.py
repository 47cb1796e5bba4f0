"""Which Python an image of a registry has, as far as its files tell: nothing of it is run."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

VERSIONED = re.compile(r"(?:.*/)?python(3\.\d+)")
FOLDERS = ("/usr/local/bin", "/usr/bin")
"""Where it can be for wheels to be put beside it; the first that the image's own search path names counts."""


@dataclass(frozen=True, kw_only=True)
class ImagePython:
    """One interpreter, and where it looks for what is installed."""

    version: str
    """``3.12``."""

    program: str
    site: str


def image_python(links: Mapping[str, str], *, search_path: str, debian: bool) -> ImagePython | None:
    """The Python that the image runs as ``python3``; ``links`` are its symbolic links, without a slash before them.

    Python's own images have it below ``/usr/local``; Debian's, which has a place for what its packages did not bring,
    below ``/usr`` (Debian Python Policy 3.1.1). Others below ``/usr`` leave no such place.
    """
    named = [folder.rstrip("/") for folder in search_path.split(":")]
    for folder in sorted(FOLDERS, key=lambda folder: named.index(folder) if folder in named else len(named)):
        match = VERSIONED.fullmatch(links.get(f"{folder.lstrip('/')}/python3", ""))
        if match is None:
            continue
        if folder == "/usr/local/bin":
            return _found(match[1], folder, "site-packages")
        return _found(match[1], folder, "dist-packages") if debian else None
    return None


def _found(version: str, folder: str, site: str) -> ImagePython:
    return ImagePython(version=version, program=f"{folder}/python3", site=f"/usr/local/lib/python{version}/{site}")
