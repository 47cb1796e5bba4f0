"""npm packages below an application's folder, as `npm ci --ignore-scripts` lays them out, without npm and Node.

Source: package.json(5) ("bin", "bundleDependencies"), folders(5) and npm-pack(1) of npm.
"""

import json
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from repave.archives.entries import Kind
from repave.archives.rules import TREE, Links
from repave.archives.tars import opened_tar
from repave.bakers.rootfs.stage import Stage, put
from repave.model.lock import Ecosystem, LockedFile, LockedPackage
from repave.model.recipe import NodeApplication
from repave.ports.vault import Vault

FOLDER = "node_modules"
PROGRAMS = ".bin"
MANIFEST = "package.json"

RULES = replace(TREE, links=Links.ANYWHERE, repeated=True)
"""Links are allowed, which npm leaves out without a word, and files that stand twice, of which it takes the last: some
publishers' tools write such. Nothing else of an archive is trusted."""

LARGEST_MANIFEST = 8 << 20
IGNORED, KEPT = ".gitignore", ".npmignore"
"""The first is installed under the name of the second, unless that is there as well."""

WINDOWS_START = re.compile(rb"\A(#![^\n]+)\r\n")
"""A first line that Linux takes for a program of another name."""

BUNDLED = re.compile(rf"(?:{FOLDER}/(?:@[^/]+/)?[^/@][^/]*/)+{MANIFEST}")


def npm_packages(packages: Iterable[LockedPackage]) -> list[LockedPackage]:
    """Those of npm, in the order they are laid out."""
    wanted = (package for package in packages if package.ecosystem is Ecosystem.NPM)
    return sorted(wanted, key=lambda package: (package.name, package.version, package.sha256))


def npm_inputs(packages: Iterable[LockedPackage], files: Iterable[LockedFile], node: NodeApplication) -> list[object]:
    """All that determines what becomes of the packages; of linked folders also which files are in them."""
    targets = sorted(file.target for file in files)
    return [node.into, *([*_inputs(package), *_below(package, node, targets)] for package in packages)]


def lay_out_packages(
    packages: Iterable[LockedPackage], files: Iterable[LockedFile], stage: Stage, *, node: NodeApplication, vault: Vault
) -> None:
    """Put every package into its places below ``node.into``, then the links to their programs.

    Places of folders of the application become links to these, whose files are among ``files`` and in a layer above.
    Raises Invalid (two packages bring one file), Corrupt, Gone.
    """
    manifests: dict[str, Mapping[str, object]] = {}
    targets = frozenset(file.target for file in files)
    into = node.into.rstrip("/")
    for package in packages:
        vault.verify(package.sha256)
        for path in package.paths:
            place = f"{into}/{path}"
            if package.linked_folder:
                folder = _folder(package, node)
                stage.link(place, posixpath.relpath(folder, posixpath.dirname(place)), origin=_origin(package))
                manifests[place] = _parsed(vault.path(package.sha256).read_bytes())
                continue
            _lay_out(package, place, stage, vault)
            manifests |= dict(_manifests(place, stage))
    # Of two packages that bring one name the first one has it; the order is npm's, by depth and then by place.
    linked = {f"{into}/{path}": _folder(package, node) for package in packages for path in _links(package)}
    for place in sorted(manifests, key=lambda place: (place.count(f"/{FOLDER}/"), place)):
        if place in linked:
            _link_own_programs(place, linked[place], manifests[place], stage, targets)
        else:
            _link_programs(place, manifests[place], stage)


def _inputs(package: LockedPackage) -> list[str]:
    own = [package.origin] if package.linked_folder or package.of_commit else []
    return [package.name, package.version, package.sha256, *package.paths, *own]


def _below(package: LockedPackage, node: NodeApplication, targets: Iterable[str]) -> list[str]:
    folder = f"{_folder(package, node)}/" if package.linked_folder else ""
    return [target for target in targets if folder and target.startswith(folder)]


def _folder(package: LockedPackage, node: NodeApplication) -> str:
    """Where a folder of the application is in the image, as seen from its package-lock."""
    within = posixpath.relpath(package.linked_folder, posixpath.dirname(node.lock) or ".")
    return posixpath.join(node.into, within)


def _links(package: LockedPackage) -> tuple[str, ...]:
    return package.paths if package.linked_folder else ()


def _origin(package: LockedPackage) -> str:
    return f"the npm package {package.name} {package.version}"


def _lay_out(package: LockedPackage, place: str, stage: Stage, vault: Vault) -> None:
    """The files of an archive without the folder they lie in, whatever that is called, which those of commits have not.

    Folders come of files alone.
    """
    origin = _origin(package)
    depth = 0 if package.of_commit else 1
    ignoring: set[str] = set()
    brought: set[str] = set()
    with opened_tar(vault.path(package.sha256), name=origin, rules=RULES) as entries:
        for entry in entries:
            path = "/".join(entry.parts[depth:])
            if not path or entry.kind is not Kind.FILE:
                continue
            above, slash, name = path.rpartition("/")
            if name == IGNORED:
                path = f"{above}{slash}{KEPT}"
                if path in ignoring:
                    continue
            if name in {IGNORED, KEPT}:
                ignoring.add(path)
            if path in brought:
                stage.remove(f"{place}/{path}")
            brought.add(path)
            put(entry, f"{place}/{path}", stage, origin)


def _manifests(place: str, stage: Stage) -> Iterator[tuple[str, Mapping[str, object]]]:
    """What the package at a place says of itself, and those that are bundled in it, by place."""
    own = _manifest(f"{place}/{MANIFEST}", stage)
    yield place, own
    if own.get("bundleDependencies") or own.get("bundledDependencies"):
        for inner in tuple(stage.below_folder(place)):
            if BUNDLED.fullmatch(inner):
                yield f"{place}/{inner.removesuffix(f'/{MANIFEST}')}", _manifest(f"{place}/{inner}", stage)


def _manifest(path: str, stage: Stage) -> Mapping[str, object]:
    """Empty for a package that says nothing that can be read: it has no programs then."""
    if (stage.size(path) or LARGEST_MANIFEST) >= LARGEST_MANIFEST:
        return {}
    return _parsed(stage.read(path))


def _parsed(manifest: bytes) -> Mapping[str, object]:
    try:
        content = json.loads(manifest.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _link_own_programs(
    place: str, folder: str, manifest: Mapping[str, object], stage: Stage, targets: Collection[str]
) -> None:
    """Through the link: what is a program in the application's own files is one here."""
    programs = f"{place.rpartition(f'/{FOLDER}/')[0]}/{FOLDER}/{PROGRAMS}"
    for name, file in _programs(manifest):
        if f"{folder}/{file}" in targets and not stage.has(f"{programs}/{name}"):
            target = posixpath.relpath(f"{place}/{file}", programs)
            stage.link(f"{programs}/{name}", target, origin=f"the npm package at {place}")


def _link_programs(place: str, manifest: Mapping[str, object], stage: Stage) -> None:
    folder = f"{place.rpartition(f'/{FOLDER}/')[0]}/{FOLDER}/{PROGRAMS}"
    origin = f"the npm package at {place}"
    for name, file in _programs(manifest):
        program, link = f"{place}/{file}", f"{folder}/{name}"
        if stage.size(program) is None or stage.has(link):
            continue  # npm passes over both without a word
        stage.permit(program)
        content = stage.read(program)
        if WINDOWS_START.match(content[:2048]):
            stage.remove(program)
            with stage.file(program, mode=0o755, origin=origin) as target:
                target.write(WINDOWS_START.sub(rb"\1\n", content, count=1))
        stage.link(link, posixpath.relpath(program, folder), origin=origin)


def _programs(manifest: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Names of programs and their files, from the package's folder; neither leads out of where it belongs."""
    given = manifest.get("bin")
    named = {str(manifest.get("name", "")): given} if isinstance(given, str) else given
    for name, file in named.items() if isinstance(named, dict) else ():
        plain = re.sub(r"[\\:]", "/", name).rstrip("/").rpartition("/")[2]
        inside = posixpath.normpath(f"/{file}".replace("\\", "/")).lstrip("/") if isinstance(file, str) else ""
        if plain not in {"", ".", ".."} and inside not in {"", "."}:
            yield plain, inside
