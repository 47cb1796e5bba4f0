"""Python packages of an image, pinned by uv: wheels only, for the interpreter that the image will have."""

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import tomli_w
import uv
from packaging.utils import canonicalize_name

from repave.model.lock import Ecosystem, Layer, LockedPackage
from repave.pinners.image_interpreter import image_interpreter
from repave.pinners.mirrors import Mirrors
from repave.pinners.naming import check_named, requirement
from repave.pinners.repairs import Bounds, with_most
from repave.pinners.uv_complaints import refusal
from repave.pinners.wheels import Interpreter, interpreter
from repave.ports.commands import Commands
from repave.ports.errors import Gone, Invalid, Unreachable
from repave.ports.logins import Access, Login
from repave.ports.pinner import Held, PinRequest, Pins, Refresh, Repair
from repave.ports.progress import Progress
from repave.ports.vault import Fetch, Vault
from repave.scratch.held import held

INDEX = "https://pypi.org/simple"

INDEX_NAME = "index"
"""What uv calls the one that is asked."""

RUN = "run-"
"""How names of folders begin in which uv works."""

TIMEOUT_SECONDS = 600.0
"""A cold resolution of a large application takes minutes on a slow line; this ends only what hangs."""

PROJECT_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
"""What PyPI takes for a name (packaging.python.org, "Names and normalization")."""

Table = Mapping[str, Any]
"""A table of ``pylock.toml`` (PEP 751)."""

Resolved = Mapping[str, Table]
"""The tables of packages, by name."""


@dataclass(frozen=True, kw_only=True)
class _Question:
    """What is asked of uv for one image."""

    request: PinRequest
    requirements: str
    target: Interpreter
    before: Mapping[str, LockedPackage]
    offered: tuple[LockedPackage, ...] = ()
    """Wheels from the vault, to be had beside the index's."""

    bounds: Bounds = field(default_factory=dict)

    @property
    def named(self) -> frozenset[str]:
        """Those that can be meant for an index of Python packages."""
        names = (name for name in self.request.named if PROJECT_NAME.fullmatch(name))
        return frozenset(str(canonicalize_name(name)) for name in names)

    @property
    def own(self) -> tuple[LockedPackage, ...]:
        """What this image had locked."""
        return tuple(package for package in self.before.values() if self.request.image.name in package.images)

    @property
    def repairs(self) -> tuple[Repair, ...]:
        """Of wheels that this image has, where repairs are asked for."""
        locked = {package.name for package in self.own}
        asked = self.request.repairs if self.request.refresh is Refresh.REPAIRS else ()
        return tuple(one for one in asked if one.ecosystem is Ecosystem.PYPI and one.name in locked)

    def lost(self, found: Resolved) -> tuple[LockedPackage, ...]:
        """What this image had locked and would lose, not named to move and not offered yet."""
        aimed_at = self.named if self.request.refresh is Refresh.NAMED else self.bounds.keys()
        return tuple(
            package
            for package in self.own
            if package not in self.offered
            and package.name in found
            and package.name not in aimed_at
            and found[package.name]["version"] != package.version
        )


class PypiPinner:
    """The pinner port for Python packages."""

    def __init__(
        self,
        root: Path,
        *,
        commands: Commands,
        vault: Vault,
        index: str | None = None,
        access: Access | None = None,
    ) -> None:
        self._root = root
        self._commands = commands
        self._vault = vault
        self._access = access or Access()
        self._indexes = self._access.origins.places(index or INDEX)
        self._mirrors = Mirrors()

    def pin(self, request: PinRequest, *, progress: Progress) -> Pins:
        """The exact wheels of the image's requirements and of all they need; see the port."""
        check_named(request)
        if not request.image.python:
            return Pins()
        if request.image.base.image:
            return self.pin_for(image_interpreter(request, self._vault, progress), request, progress=progress)
        return self.pin_for(pinned_interpreter(request), request, progress=progress)

    def pin_for(self, target: Interpreter, request: PinRequest, *, progress: Progress) -> Pins:
        """The same, for the interpreter that the image will have."""
        requirements = _requirements(request)
        before = _previous(request)
        with progress.task(f"Locking Python packages of {request.image.name}"):
            asked = _Question(request=request, requirements=requirements, target=target, before=before)
            (question, found), held = with_most(
                asked.repairs,
                lambda bounds: self._settled(replace(asked, bounds=bounds), progress),
                lambda repair, version, refused: _holder(request, repair.name, version, refused),
            )
        return Pins(packages=tuple(self._locked(question, found)), held=held, remarks=self._mirrors.remarks)

    def _settled(self, question: _Question, progress: Progress) -> tuple[_Question, Resolved]:
        """The resolution that keeps what can be kept, and the question that it answers."""
        try:
            found = self._resolve(question)
        except Invalid:
            # A requirement of exactly what is locked fails once the index dropped it.
            question = replace(question, offered=tuple(filter(self._has, question.own)))
            if not question.offered:
                raise
            found = self._resolve(question)
        while lost := question.lost(found):
            # An index may drop what is locked; what the vault or the origin still has can be met.
            question = replace(question, offered=(*question.offered, *self._obtain(lost, progress)))
            found = self._resolve(question)
        return question, found

    def _resolve(self, question: _Question) -> Resolved:
        return self._mirrors.first_reached(
            self._indexes, lambda index: self._resolve_at(index, question), addresses=lambda index: (index,)
        )

    def _resolve_at(self, index: str, question: _Question) -> Resolved:
        self._root.mkdir(parents=True, exist_ok=True)
        with held(self._root, prefix=RUN) as place:
            run = place.resolve()
            (run / "requirements.in").write_text(question.requirements, encoding="utf-8")
            bounds = "".join(f"{name}{wanted}\n" for name, wanted in sorted(question.bounds.items()))
            (run / "constraints.txt").write_text(bounds, encoding="utf-8")
            output = run / "pylock.toml"
            if question.before:
                output.write_text(_preferences(question), encoding="utf-8")
            links = run / "links"
            links.mkdir()
            for package in question.offered:
                (links / package.filename).symlink_to(self._vault.path(package.sha256).resolve())
            done = self._commands.run(
                (uv.find_uv_bin(), *self._arguments(index, question), "--find-links", str(links), "requirements.in"),
                cwd=run,
                environment={"HOME": str(run), "NO_COLOR": "1", **self._login(index)},
                timeout_seconds=TIMEOUT_SECONDS,
                check=False,
            )
            if done.exit_code != 0:
                raise refusal(question.request, done, index)
            packages = tomllib.loads(output.read_text(encoding="utf-8")).get("packages", [])
        return {package["name"]: package for package in packages}

    def _login(self, index: str) -> Mapping[str, str]:
        """By the variables that uv reads for an index of this name: they are in no process list."""
        login = self._access.logins.login(index)
        if login is None:
            return {}
        return {
            f"UV_INDEX_{INDEX_NAME.upper()}_USERNAME": login.username,
            f"UV_INDEX_{INDEX_NAME.upper()}_PASSWORD": login.password,
        }

    def _arguments(self, index: str, question: _Question) -> tuple[str, ...]:
        moving: tuple[str, ...] = ()
        if question.request.refresh is Refresh.UPGRADE:
            moving = ("--upgrade",)
        elif question.request.refresh is Refresh.NAMED:
            moving = tuple(part for name in sorted(question.named) for part in ("--upgrade-package", name))
        version = ".".join(str(part) for part in question.target.version)
        return (
            *("pip", "compile", "--quiet", "--format", "pylock.toml", "--output-file", "pylock.toml", "--no-header"),
            *("--python", sys.executable, "--python-version", version, "--python-platform", question.target.platform),
            *("--only-binary", ":all:", "--no-python-downloads", "--no-config", "--no-sources"),
            *("--keyring-provider", "disabled", "--default-index", f"{INDEX_NAME}={index}"),
            *("--cache-dir", str((self._root / "uv").resolve()), "--constraint", "constraints.txt", *moving),
        )

    def _locked(self, question: _Question, found: Resolved) -> Iterator[LockedPackage]:
        offered = {package.filename for package in question.offered}
        for name, package in sorted(found.items()):
            wheels = {_filename(wheel): wheel for wheel in package.get("wheels", ())}
            known = question.before.get(name)
            if known is not None and known.version == package["version"] and known.filename in {*wheels, *offered}:
                yield replace(known, layer=Layer.PYTHON, images=(question.request.image.name,))
                continue
            best = question.target.best(wheels)
            if best is None:
                raise Invalid(
                    f"{name} {package['version']} has no wheel that Python "
                    f"{'.'.join(str(part) for part in question.target.version)} on {question.target.platform} takes",
                    hint="require a version that has one: source distributions are not built",
                )
            yield self._fresh(question.request, package, best, wheels[best])

    def _fresh(self, request: PinRequest, package: Table, filename: str, wheel: Table) -> LockedPackage:
        sha256 = wheel.get("hashes", {}).get("sha256")
        if sha256 is None:
            raise Invalid(
                f"the index gives no sha256 of {filename}, so it cannot be locked",
                hint="use an index that gives hashes",
            )
        origin = wheel.get("url") or Path(wheel["path"]).resolve().as_uri()
        return LockedPackage(
            ecosystem=Ecosystem.PYPI,
            name=package["name"],
            version=package["version"],
            sha256=sha256,
            size_bytes=wheel["size"] if "size" in wheel else _size(origin, self._access.logins.login(origin)),
            origin=origin,
            filename=filename,
            layer=Layer.PYTHON,
            images=(request.image.name,),
        )

    def _has(self, package: LockedPackage) -> bool:
        return self._vault.has(package.sha256)

    def _obtain(self, lost: tuple[LockedPackage, ...], progress: Progress) -> tuple[LockedPackage, ...]:
        for package in lost:
            wanted = Fetch(
                url=package.origin, sha256=package.sha256, size_bytes=package.size_bytes, name=package.filename
            )
            try:
                self._vault.fetch([wanted], progress=progress)
            except Gone as gone:
                raise Invalid(
                    f"{package.name} {package.version} is locked, but the index no longer offers it, it is not in the "
                    f"vault and not at {package.origin}",
                    hint=f"`repave lock --upgrade-package {package.name}` moves it to a newer version",
                ) from gone
        return lost


def pinned_interpreter(request: PinRequest) -> Interpreter:
    """As the Debian packages say that are pinned for the image. Raises Invalid when there is no python3."""
    debs = (package for package in request.pinned if package.ecosystem is Ecosystem.DEB)
    return interpreter(request.image.base, {package.name: package.version for package in debs})


def _requirements(request: PinRequest) -> str:
    lines = []
    for text in request.image.python:
        parsed = requirement(text)
        if parsed.url is not None:
            raise Invalid(
                f"{text!r} of {request.image.name} names an address instead of a version",
                hint="only packages of an index can be locked: publish it there, or map its files into the image",
            )
        lines.append(str(parsed))
    return "\n".join(sorted(lines)) + "\n"


def _holder(request: PinRequest, name: str, version: str, refused: Invalid) -> Held:
    """The recipe's own range that a version is outside of; else, in uv's words, another package's."""
    image = request.image
    for number, text in enumerate(image.python):
        parsed = requirement(text)
        if canonicalize_name(parsed.name) == name and not parsed.specifier.contains(version, prereleases=True):
            return Held(
                name=name,
                version=version,
                why=f"`{text}` under `python` of image `{image.name}` holds it",
                recipe=("images", image.name, "python", number),
                remedy=f"let it admit {version}, then `repave patch` again",
            )
    return Held(name=name, version=version, why=refused.message)


def _previous(request: PinRequest) -> Mapping[str, LockedPackage]:
    """By name: this image's own, else what another image has, so that two images share one version."""
    if request.refresh is Refresh.UPGRADE:
        return {}
    packages = [package for package in request.previous.packages if package.ecosystem is Ecosystem.PYPI]
    beside = {package.name: package for package in packages}
    own = {package.name: package for package in packages if request.image.name in package.images}
    return {**beside, **own}


def _preferences(question: _Question) -> str:
    """What is locked, in the form by which uv keeps to it as long as the requirements admit it (PEP 751)."""
    packages = [
        {
            "name": package.name,
            "version": package.version,
            "wheels": [
                {
                    "name": package.filename,
                    "url": package.origin,
                    "size": package.size_bytes,
                    "hashes": {"sha256": package.sha256},
                }
            ],
        }
        for package in question.before.values()
    ]
    return tomli_w.dumps({"lock-version": "1.0", "created-by": "repave", "packages": packages})


def _filename(wheel: Table) -> str:
    if "name" in wheel:
        return str(wheel["name"])
    place = urlsplit(wheel["url"]).path if "url" in wheel else wheel["path"]
    return unquote(str(place)).rpartition("/")[2]


def _size(origin: str, login: Login | None) -> int:
    """For indexes that do not say it, as the older simple ones (PEP 503)."""
    if origin.startswith("file:"):
        return Path(unquote(urlsplit(origin).path)).stat().st_size
    import httpx  # noqa: PLC0415 - 50 ms to load, and few indexes leave the size out

    try:
        known = httpx.BasicAuth(login.username, login.password) if login else None
        answer = httpx.head(origin, follow_redirects=True, headers={"Accept-Encoding": "identity"}, auth=known)
        answer.raise_for_status()
        return int(answer.headers["Content-Length"])
    except (httpx.HTTPError, KeyError, ValueError) as trouble:
        raise Unreachable(f"the size of {origin} could not be learned: {trouble}", hint="try again") from trouble
