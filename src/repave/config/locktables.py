"""The tables of `repave.lock`, read strictly: what a merge or a hand may have broken is named by line and entry."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from repave.config.errors import FileError, Problem
from repave.config.problems import Unfit, nearest, one_of, shown
from repave.model.lock import Ecosystem, Layer, Lock, LockedFile, LockedImage, LockedPackage
from repave.model.names import Digest, ImageName
from repave.model.recipe import Base, ImageKind

FORMAT = 3
"""Counts up when an older repave could no longer read the file as meant."""

BEFORE_OWN_PACKAGES = 2
"""No npm packages but those of registries; a lock that has no others is still written in it, for an older repave."""

OLDEST_FORMAT = 1
"""Debian, PyPI and files only; the same holds."""

Reader = Callable[[object], Any]

_AGAIN = "take either side, then run `repave lock`: it keeps every pin that still fits"
_BROKEN = "take the file back from version control; or remove it, and `repave lock` pins everything anew"


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise Unfit("a text")
    return value


def _origin(value: object) -> str:
    """Where a package is fetched again from: what names no host would fail there, far from its line."""
    origin = _text(value)
    try:
        urlsplit(origin)
    except ValueError as unreadable:  # a bracket without the other
        raise Unfit("an address, or `project:` and a path") from unreadable
    return origin


def _any_text(value: object) -> str:
    if not isinstance(value, str):
        raise Unfit("a text")
    return value


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise Unfit("a whole number, 0 or more")
    return value


def _mode(value: object) -> int:
    if not isinstance(value, int) or value not in {0o644, 0o755}:
        raise Unfit("`0o644` or `0o755`")
    return value


def _sha256(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9a-f]{64}", value):
        raise Unfit("a sha256: 64 hex digits")
    return value


def _digest(value: object) -> Digest:
    if not isinstance(value, str) or not re.fullmatch(r"sha256:[0-9a-f]{64}", value):
        raise Unfit("a digest: `sha256:` and 64 hex digits")
    return Digest(value)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
        raise Unfit("a list of texts")
    return tuple(value)


def _images(value: object) -> tuple[ImageName, ...]:
    names = _texts(value)
    if len(set(names)) != len(names):
        raise Unfit("each image once")
    return tuple(ImageName(name) for name in names)


def _target(value: object) -> str:
    if not isinstance(value, str) or not value.startswith("/") or ".." in value.split("/"):
        raise Unfit("an absolute path without `..`")
    return value


def _ecosystem(value: object) -> Ecosystem:
    return Ecosystem(_word(value, Ecosystem))


def _layer(value: object) -> Layer:
    return Layer(_word(value, [layer for layer in Layer if layer not in {Layer.BUILD, Layer.MACHINE}]))


def _kind(value: object) -> ImageKind:
    return ImageKind(_word(value, ImageKind))


def _word(value: object, known: Iterable[str]) -> str:
    words = [str(word) for word in known]
    if not isinstance(value, str) or value not in words:
        raise Unfit(one_of(words), nearest=nearest(value, words) if isinstance(value, str) else "")
    return value


@dataclass(frozen=True, kw_only=True)
class _Shape:
    """Which keys a table has, in the order they are written."""

    keys: Mapping[str, Reader]
    optional: frozenset[str] = frozenset()

    def missing(self, table: Mapping[str, object]) -> Iterator[str]:
        """What must be there and is not."""
        needless = self.optional | (_OF_DISTRIBUTION if "image" in table else frozenset())
        return (key for key in self.keys if key not in table and key not in needless)


_OF_DISTRIBUTION = frozenset({"distribution", "release", "suites"})
"""What the base of an image has unless it is itself an image."""

SHAPES: Mapping[str, _Shape] = {
    "image": _Shape(
        keys={
            "name": _text, "kind": _kind, "recipe": _digest, "distribution": _text, "release": _text,
            "suites": _texts, "architecture": _text, "mirror": _text, "keyring": _text, "image": _text,
        },
        optional=frozenset({"mirror", "keyring", "image"}),
    ),
    "package": _Shape(
        keys={
            "name": _text, "version": _text, "ecosystem": _ecosystem, "layer": _layer, "sha256": _sha256,
            "size_bytes": _whole, "origin": _origin, "filename": _text, "images": _images,
            "architecture": _any_text, "suite": _any_text, "source": _any_text, "source_version": _any_text,
            "reference": _any_text, "integrity": _any_text, "paths": _texts,
        },
        optional=frozenset(
            {"architecture", "suite", "source", "source_version", "reference", "integrity", "paths"}
        ),
    ),
    "file": _Shape(
        keys={
            "target": _target, "origin": _text, "mode": _mode, "sha256": _sha256, "size_bytes": _whole,
            "images": _images,
        },
    ),
}  # fmt: skip


def format_of(lock: Lock) -> int:
    """The oldest format that can say all of it."""
    of_npm = (package for package in lock.packages if package.ecosystem is Ecosystem.NPM)
    if any(package.project_path or package.of_commit for package in of_npm):
        return FORMAT
    new = any(image.base.image or image.base.keyring for image in lock.images)
    if new or any(package.ecosystem not in _OLDEST_ECOSYSTEMS for package in lock.packages):
        return BEFORE_OWN_PACKAGES
    return OLDEST_FORMAT


_OLDEST_ECOSYSTEMS = frozenset({Ecosystem.DEB, Ecosystem.PYPI})


def read_tables(text: str, *, filename: str) -> Lock:
    """The lock as it stands in the file. Raises FileError."""
    reading = _Reading(filename=filename, lines=tuple(text.split("\n")))
    data = reading.toml(text)
    reading.check_format(data)
    entries = {kind: tuple(reading.entries(data, kind)) for kind in SHAPES}
    lock = Lock(
        images=tuple(_image(values) for _, values in entries["image"]),
        packages=tuple(LockedPackage(**values) for _, values in entries["package"]),
        files=tuple(LockedFile(**values) for _, values in entries["file"]),
    )
    lines = {kind: [line for line, _ in found] for kind, found in entries.items()}
    # Entries that cannot be read are missing here: what they would clash with is told once they can be.
    clashes = () if reading.problems else _clashes(lock, lines)
    problems = (*reading.problems, *(reading.problem(line, found, unfit) for line, found, unfit in clashes))
    if problems:
        raise FileError(problems)
    return lock


def _image(values: Mapping[str, Any]) -> LockedImage:
    base = {key: values[key] for key in values if key not in {"name", "kind", "recipe"}}
    return LockedImage(name=ImageName(values["name"]), kind=values["kind"], base=Base(**base), recipe=values["recipe"])


class _Reading:
    """One file being read: its problems, and on which lines its tables stand."""

    def __init__(self, *, filename: str, lines: tuple[str, ...]) -> None:
        self.filename = filename
        self.lines = lines
        self.problems: list[Problem] = []

    def toml(self, text: str) -> Mapping[str, Any]:
        """The file as TOML; a merge conflict and a broken line are told as what they are."""
        for number, line in enumerate(self.lines, start=1):
            if line.startswith(("<<<<<<<", ">>>>>>>")):
                raise FileError([self.problem(number, "an unresolved merge conflict", Unfit("", hint=_AGAIN))])
        import tomllib  # noqa: PLC0415 - locks are digested oftener than read

        try:
            return tomllib.loads(text.replace("\r\n", "\n"))
        except tomllib.TOMLDecodeError as error:
            place = re.search(r" \(at line (\d+), column (\d+)\)$", str(error))
            found = f"this is no TOML: {str(error).split(' (at ')[0].lower()}"
            problem = self.problem(int(place[1]) if place else len(self.lines), found, Unfit("", hint=_BROKEN))
            raise FileError([problem]) from error

    def check_format(self, data: Mapping[str, Any]) -> None:
        """The file says which format it has, and it is one we know."""
        version = data.get("format")
        if isinstance(version, int) and version > FORMAT:
            hint = "use the repave that made it, or a newer one"
            found = f"format {version} was made by a newer repave; this one reads formats up to {FORMAT}"
            raise FileError([self.problem(self.line_of("format", 1), found, Unfit("", hint=hint))])
        if not isinstance(version, int) or isinstance(version, bool) or version < OLDEST_FORMAT:
            found = "the file does not say its `format`" if version is None else f"`format` is {shown(version)}"
            raise FileError([self.problem(self.line_of("format", 1), found, Unfit("", hint="`repave lock` makes one"))])
        known = ("format", *SHAPES)
        for key in data:
            if key not in known:
                unfit = Unfit(one_of(known), nearest=nearest(key, known))
                self.problems.append(
                    self.problem(next(iter(self._lines_of_tables(key)), 1), f"unknown key `{key}`", unfit)
                )

    def entries(self, data: Mapping[str, Any], kind: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Every whole table of one kind, with its line."""
        tables = data.get(kind, [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            unfit = Unfit(f"tables, each under `[[{kind}]]`")
            self.problems.append(self.problem(self.line_of(kind, 1), f"`{kind}` is {shown(tables)}", unfit))
            return
        heads = self._lines_of_tables(kind)
        for index, table in enumerate(tables):
            line = heads[index] if index < len(heads) else 1
            values = self._values(table, kind, line)
            if values is not None:
                yield line, values

    def _values(self, table: Mapping[str, Any], kind: str, line: int) -> Mapping[str, Any] | None:
        shape = SHAPES[kind]
        readers = shape.keys
        title = f"{kind} `{table.get('name', table.get('target', '?'))}`"
        before = len(self.problems)
        values: dict[str, Any] = {}
        for key, value in table.items():
            if key not in readers:
                unfit = Unfit(one_of(readers), nearest=nearest(key, readers))
                self.problems.append(self.problem(self.line_of(key, line), f"unknown key `{key}` in {title}", unfit))
                continue
            try:
                values[key] = readers[key](value)
            except Unfit as unfit:
                found = f"`{key}` of {title} is {shown(value)}"
                self.problems.append(self.problem(self.line_of(key, line), found, unfit))
        for key in shape.missing(table):
            self.problems.append(self.problem(line, f"{title} lacks the key `{key}`", Unfit("")))
        return values if len(self.problems) == before else None

    def _lines_of_tables(self, kind: str) -> tuple[int, ...]:
        """The lines on which tables of a kind begin; fewer than there are where the file is written in another way."""
        head = re.compile(rf"\s*\[\[?\s*{re.escape(kind)}\s*\]|{re.escape(kind)}\s*=")
        return tuple(number for number, line in enumerate(self.lines, start=1) if head.match(line))

    def line_of(self, key: str, start: int) -> int:
        """The line of ``key`` in the table that starts at line ``start``; that line where it cannot be found."""
        for number in range(start, len(self.lines) + 1):
            line = self.lines[number - 1]
            if number > start and line.startswith("["):
                break
            if re.match(rf"\s*\"?{re.escape(key)}\"?\s*=", line):
                return number
        return start

    def problem(self, line: int, found: str, unfit: Unfit) -> Problem:
        """A problem at the start of a line."""
        return Problem(
            file=self.filename,
            line=line,
            column=1,
            found=found,
            expected=unfit.expected,
            nearest=unfit.nearest,
            hint=unfit.hint,
        )


def _clashes(lock: Lock, lines: Mapping[str, list[int]]) -> Iterator[tuple[int, str, Unfit]]:
    """What two entries say differently, and images that no entry describes."""
    names = [image.name for image in lock.images]
    for line, image in zip(lines["image"], lock.images, strict=True):
        if names.count(image.name) > 1:
            yield line, f"image `{image.name}` is described twice", Unfit("it once", hint=_AGAIN)
    seen: dict[tuple[str, ...], int] = {}
    pinned = (
        *(
            (line, package.images, package.identity)
            for line, package in zip(lines["package"], lock.packages, strict=True)
        ),
        *((line, file.images, ("file", file.target)) for line, file in zip(lines["file"], lock.files, strict=True)),
    )
    for line, images, identity in pinned:
        for name in images:
            if name not in names:
                unfit = Unfit(one_of(dict.fromkeys(names)), nearest=nearest(name, names))
                yield line, f"`{identity[1]}` is wanted by the unknown image `{name}`", unfit
            first = seen.setdefault((name, *identity), line)
            if first != line:
                found = f"`{identity[1]}` is pinned for image `{name}` again; the first is in line {first}"
                yield line, found, Unfit("it once", hint=_AGAIN)
