"""Where things of an image go, as the file says it: targets that follow from others, and targets that clash."""

from collections.abc import Iterator, Mapping

from repave.config.document import Document, Path
from repave.config.errors import Problem
from repave.config.problems import Unfit, problem
from repave.config.words import mapping_of
from repave.model.recipe import NodeApplication, name_in

PACKAGE_LOCK = "package-lock.json"


def node_application(folder: str, files: Mapping[str, str]) -> NodeApplication | None:
    """The Node application in a folder of the project, where ``files`` puts that folder; None where it does not."""
    wanted = _parts(folder)
    best: tuple[int, str] | None = None
    for source, target in files.items():
        parts = _parts(source)
        if wanted[: len(parts)] == parts and (best is None or len(parts) > best[0]):
            best = len(parts), "/".join([target.rstrip("/"), *wanted[len(parts) :]]) or "/"
    return best and NodeApplication(lock="/".join([*wanted, PACKAGE_LOCK]), into=best[1])


def check_targets(document: Document) -> Iterator[Problem]:
    """What no single key can tell about where things go, and which commit is meant."""
    for image, fields in mapping_of(mapping_of(document.data).get("images")).items():
        place: Path = ("images", image)
        yield from _node(document, place, mapping_of(fields))
        yield from _commits(document, place, mapping_of(fields).get("git"))
        yield from _clashes(document, place, mapping_of(fields))
        yield from _base(document, place, mapping_of(fields))


def _node(document: Document, place: Path, fields: Mapping[str, object]) -> Iterator[Problem]:
    folder = fields.get("node")
    mapped = {source: target for source, target in mapping_of(fields.get("files")).items() if isinstance(target, str)}
    if isinstance(folder, str) and folder and node_application(folder, mapped) is None:
        found = f"`node` is `{folder}`, and `files` does not say where that folder goes"
        hint = f"or name both: node: {{lock: {folder.rstrip('/')}/{PACKAGE_LOCK}, into: /srv/app}}"
        yield problem(
            document, document.at_value((*place, "node")), found, Unfit("a folder that `files` maps", hint=hint)
        )


def _commits(document: Document, place: Path, sources: object) -> Iterator[Problem]:
    for index, source in enumerate(sources if isinstance(sources, list) else ()):
        said = [key for key in ("commit", "tag", "branch") if mapping_of(source).get(key)]
        if isinstance(source, dict) and len(said) != 1:
            found = f"item {index + 1} of `git` names {' and '.join(f'`{key}`' for key in said) or 'no commit'}"
            unfit = Unfit("exactly one of `commit`, `tag` and `branch`")
            yield problem(document, document.at_value((*place, "git", index)), found, unfit)


def _clashes(document: Document, place: Path, fields: Mapping[str, object]) -> Iterator[Problem]:
    """Two files at one address, and two sources in one place."""
    taken: dict[str, str] = {}
    for key in ("fetch", "git"):
        entries = fields.get(key)
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            into, url = mapping_of(entry).get("into"), mapping_of(entry).get("url")
            if not isinstance(into, str) or not isinstance(url, str):
                continue  # told by the structure's check
            target = into
            if mapping_of(entry).get("unpack") is True and "mode" in mapping_of(entry):
                found = f"`mode` is of one file, and `unpack` lays out all that `{url}` holds"
                unfit = Unfit("one of the two", hint="what is a program in the archive is one in the image")
                yield problem(document, document.at_key((*place, key, index, "mode")), found, unfit)
            if key == "fetch" and into.endswith("/") and mapping_of(entry).get("unpack") is not True:
                target = into + name_in(url)
                if name_in(url) in {"", ".", ".."}:
                    found = f"`{url}` does not end with the name of a file"
                    unfit = Unfit("the whole path of the file", hint=f"such as `into: {into}tool.bin`")
                    yield problem(document, document.at_value((*place, key, index, "into")), found, unfit)
                    continue
            if target in taken:
                found = f"`{url}` and `{taken[target]}` both go to `{target}`"
                path = (*place, key, index, "into")
                yield problem(document, document.at_value(path), found, Unfit("a target of its own"))
            taken.setdefault(target, url)


def _base(document: Document, place: Path, fields: Mapping[str, object]) -> Iterator[Problem]:
    """Packages come from a distribution's archive; an image below says of none what it was made from."""
    if "image" in mapping_of(fields.get("base")) and fields.get("build"):
        found = f"image `{place[-1]}` has `build`, but its base is an image of a registry"
        hint = "nothing of such an image runs while baking: name a distribution as base, or have it made beforehand"
        yield problem(document, document.at_key((*place, "build")), found, Unfit("", hint=hint))
    if "image" in mapping_of(fields.get("base")) and fields.get("packages"):
        found = f"image `{place[-1]}` has `packages`, but its base is an image of a registry"
        hint = (
            "name a distribution as base, or an image that has them: no archive is known to fit what another has built"
        )
        yield problem(document, document.at_key((*place, "packages")), found, Unfit("", hint=hint))


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in {"", "."}]
