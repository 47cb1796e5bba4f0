"""`repave.lock` to the model and back: TOML, sorted, one table per package, made to be reviewed in a diff."""

import json
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from repave.config.locktables import SHAPES, format_of, read_tables
from repave.config.reading import read_text
from repave.model.lock import Layer, Lock, LockedFile, LockedImage, LockedPackage
from repave.model.names import Digest

FILENAME = "repave.lock"

LARGEST_LOCK_BYTES = 64 * 1024 * 1024
"""A quarter of a million entries: far more than any image has, and still read in seconds."""

HEADER = (
    "# Made by `repave lock` from repave.yaml: review it and commit it, but do not edit it.\n"
    "# Every package and file of every image, by exact version, sha256 and origin.\n"
)

_LAYERS = list(Layer)


def read_lock(path: Path) -> Lock:
    """The lock in the file at ``path``, or in ``repave.lock`` of the folder at ``path``.

    Raises FileError, also when there is none.
    """
    file = path / FILENAME if path.is_dir() else path
    text = read_text(file, largest_bytes=LARGEST_LOCK_BYTES, hint="`repave lock` makes it")
    return load_lock(text, filename=file.name)


def load_lock(text: str, *, filename: str = FILENAME) -> Lock:
    """The lock that ``text`` holds, sorted. Raises FileError with all that is wrong, by line and entry."""
    return canonical(read_tables(text, filename=filename))


def dump_lock(lock: Lock) -> str:
    """The text of ``lock``: the same lock gives the same text, however its tuples are ordered."""
    ordered = canonical(lock)
    return "\n".join(
        (
            f"{HEADER}format = {format_of(ordered)}\n",
            *(_image_table(image) for image in ordered.images),
            *(_table("package", package) for package in ordered.packages),
            *(_table("file", file) for file in ordered.files),
        )
    )


def lock_digest(lock: Lock | str) -> Digest:
    """Digest of the lock's text."""
    text = lock if isinstance(lock, str) else dump_lock(lock)
    return Digest(f"sha256:{sha256(text.encode()).hexdigest()}")


def canonical(lock: Lock) -> Lock:
    """The same lock with every tuple sorted."""
    packages = (replace(package, images=tuple(sorted(package.images))) for package in lock.packages)
    files = (replace(file, images=tuple(sorted(file.images))) for file in lock.files)
    return Lock(
        images=tuple(sorted(lock.images, key=lambda image: image.name)),
        packages=tuple(sorted(packages, key=_package_order)),
        files=tuple(sorted(files, key=lambda file: (file.target, file.images, file.sha256))),
    )


def _package_order(package: LockedPackage) -> tuple[object, ...]:
    """By ecosystem and name: where a reader of the diff looks for a package."""
    return (
        package.ecosystem.value,
        package.name,
        package.version,
        package.architecture,
        _LAYERS.index(package.layer),
        package.images,
        package.sha256,
    )


def _image_table(image: LockedImage) -> str:
    values = {"name": image.name, "kind": image.kind, "recipe": image.recipe, **vars(image.base)}
    return _written("image", values)


def _table(kind: str, entry: LockedPackage | LockedFile) -> str:
    return _written(kind, vars(entry))


def _written(kind: str, values: dict[str, object]) -> str:
    """One table, its keys in the order of its shape; what is empty is left out."""
    return "\n".join((f"[[{kind}]]", *_lines(values, tuple(SHAPES[kind].keys)))) + "\n"


def _lines(values: dict[str, object], keys: tuple[str, ...]) -> Iterator[str]:
    for key in keys:
        value = values[key]
        if value not in (None, "", ()):
            yield f"{key} = {f'0o{value:o}' if key == 'mode' else _value(value)}"


def _value(value: object) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, int):
        return str(value)
    # TOML's basic strings are JSON's, except that DEL must be escaped too (https://toml.io/en/v1.0.0#string).
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
