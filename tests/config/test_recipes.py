"""Recipes against the lock, and one lock against another."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from repave.config.difference import difference
from repave.config.project import parse_project
from repave.config.recipes import drift, merged, recipe_digest
from repave.model.lock import Ecosystem, Layer, Lock, LockedFile, LockedPackage
from repave.model.names import ImageName
from repave.model.project import Project
from repave.model.recipe import FileMapping, GitSource, Image, ImageKind, NodeApplication, RemoteFile
from repave.ports.pinner import Pins

VALID = (Path(__file__).parent / "valid.yaml").read_text(encoding="utf-8")
PROJECT = parse_project(VALID, filename="repave.yaml")
WEB, API = ImageName("web"), ImageName("api")
IMAGE = PROJECT.images[WEB]


def package(
    name: str, version: str = "1", *, ecosystem: Ecosystem = Ecosystem.DEB, images: tuple[ImageName, ...] = (WEB,)
) -> LockedPackage:
    """A locked package; the version decides its bytes."""
    return LockedPackage(
        ecosystem=ecosystem,
        name=name,
        version=version,
        sha256=f"{ord(version[0]):064x}",
        size_bytes=1,
        origin="https://example.org/x",
        filename="x",
        layer=Layer.PLATFORM,
        images=images,
    )


def file(target: str, content: int, *, images: tuple[ImageName, ...] = (WEB,)) -> LockedFile:
    """A locked file."""
    return LockedFile(
        target=target, sha256=f"{content:064x}", size_bytes=1, mode=0o644, origin=f"app{target}", images=images
    )


PACKAGES = (
    package("openssl"),
    package("python3"),
    package("Flask", ecosystem=Ecosystem.PYPI),
    package("gunicorn", ecosystem=Ecosystem.PYPI),
)
FILES = (file("/app.py", 1),)
LOCK = merged([IMAGE], {WEB: Pins(packages=PACKAGES, files=FILES)})


def other(image: Image) -> Project:
    """The project with another image of the same name."""
    return replace(PROJECT, images={WEB: image})


def test_a_fresh_lock_matches_its_recipe() -> None:
    """Nothing to say is nothing to do."""
    assert drift(PROJECT, LOCK) == ()


NO_CAUSE = "the recipe of image `web` has changed since it was locked"


@pytest.mark.parametrize(
    ("project", "told"),
    [
        (
            other(replace(IMAGE, packages=("python3", "openssl", "curl=1.0"))),
            "package `curl=1.0` of image `web` is not locked",
        ),
        (
            other(replace(IMAGE, python=("flask ~= 3.0", "redis>5"))),
            "Python requirement `redis>5` of image `web` is not locked",
        ),
        (
            other(replace(IMAGE, base=replace(IMAGE.base, suites=("bookworm",)))),
            "the base of image `web` has changed",
        ),
        (other(replace(IMAGE, kind=ImageKind.VM)), "image `web` is locked as container, and is a vm now"),
        (
            other(replace(IMAGE, files=(FileMapping(source="lib/", target="/lib/"),))),
            "`lib/` of image `web` is not locked",
        ),
        (other(replace(IMAGE, run=("true",))), NO_CAUSE),
        (
            other(replace(IMAGE, python=("flask ~= 2.0",))),
            NO_CAUSE,
        ),
        (replace(PROJECT, images={}), "image `web` is locked, but not in the file any more"),
        (replace(PROJECT, images={WEB: IMAGE, API: replace(IMAGE, name=API)}), "image `api` is not locked"),
    ],
)
def test_what_a_recipe_says_and_the_lock_does_not_is_told(project: Project, told: str) -> None:
    """In a sentence each, as near to the cause as the lock can tell."""
    assert drift(project, LOCK) == (told,)


def test_the_order_of_packages_is_nothing_to_a_recipe() -> None:
    """Sorting a list is no reason to lock again."""
    reordered = replace(IMAGE, packages=IMAGE.packages[::-1], python=IMAGE.python[::-1])
    assert recipe_digest(reordered) == recipe_digest(IMAGE)


@pytest.mark.parametrize(
    "change",
    [
        lambda image: replace(image, run=(*image.run, "x")),
        lambda image: replace(image, user="nobody"),
        lambda image: replace(image, ephemeral=True),
        lambda image: replace(image, base=replace(image.base, architecture="arm64")),
        lambda image: replace(image, name=API),
        lambda image: replace(image, files=()),
    ],
)
def test_whatever_else_changes_is_another_recipe(change: Callable[[Image], Image]) -> None:
    """Every declared thing counts."""
    assert recipe_digest(change(IMAGE)) != recipe_digest(IMAGE)


def test_what_several_images_want_alike_is_one_entry() -> None:
    """And what they want in different versions is two."""
    api = replace(IMAGE, name=API)
    lock = merged(
        [IMAGE, api],
        {
            WEB: Pins(packages=(package("openssl"), package("curl", "1")), files=(file("/a", 1),)),
            API: Pins(
                packages=(package("openssl", images=(API,)), package("curl", "2", images=(API,))),
                files=(file("/a", 1, images=(API,)),),
            ),
        },
    )
    assert [(one.name, one.version, one.images) for one in lock.packages] == [
        ("curl", "1", (WEB,)),
        ("curl", "2", (API,)),
        ("openssl", "1", (API, WEB)),
    ]
    assert [one.images for one in lock.files] == [(API, WEB)]
    assert [image.name for image in lock.images] == [API, WEB]


def test_a_lock_does_not_differ_from_itself() -> None:
    """Nothing to review."""
    assert not difference(LOCK, LOCK)


def test_a_difference_is_what_came_went_and_moved() -> None:
    """Packages by name, files by target."""
    new = merged(
        [IMAGE],
        {WEB: Pins(packages=(package("openssl", "2"), package("python3"), package("zlib1g")), files=(file("/b", 2),))},
    )
    found = difference(LOCK, new)
    assert [change.package.name for change in found.added] == ["zlib1g"]
    assert [change.package.name for change in found.removed] == ["Flask", "gunicorn"]
    assert [
        (change.before.version, change.after.version) for change in found.changed if change.before and change.after
    ] == [("1", "2")]
    assert [(change.target, change.before is None, change.after is None) for change in found.files] == [
        ("/app.py", False, True),
        ("/b", True, False),
    ]


def test_the_same_change_in_two_images_is_told_once() -> None:
    """With the names of both."""
    api = replace(IMAGE, name=API)

    def lock(version: str) -> Lock:
        pins = Pins(packages=(package("openssl", version),))
        return merged([IMAGE, api], {WEB: pins, API: pins})

    found = difference(lock("1"), lock("2"))
    assert [change.images for change in found.packages] == [(API, WEB)]


def test_the_same_version_with_other_bytes_is_a_change() -> None:
    """A package rebuilt in its place is never overlooked."""
    rebuilt = replace(PACKAGES[0], sha256="f" * 64)
    new = merged([IMAGE], {WEB: Pins(packages=(rebuilt, *PACKAGES[1:]), files=FILES)})
    assert [change.package.sha256 for change in difference(LOCK, new).changed] == ["f" * 64]


def test_what_came_to_the_format_later_changes_no_digest_of_who_does_not_use_it() -> None:
    """A lock of the first repave still matches its file."""
    assert recipe_digest(IMAGE) == "sha256:6e118df6203897e7143981eff3e79aa6579da1c9263880c85ab9c3d088ecca7f"


def test_sources_by_address_are_part_of_the_recipe() -> None:
    """What is asked for and not locked is told, each by its address."""
    tool, tree = "https://example.org/tool", "https://example.org/tree.git"
    image = replace(
        IMAGE,
        node=NodeApplication(lock="app/package-lock.json", into="/srv/app"),
        fetch=(RemoteFile(url=tool, into="/opt/tool", sha256="1" * 64),),
        git=(GitSource(url=tree, into="/opt/tree", reference="refs/tags/v1"),),
    )
    assert recipe_digest(image) != recipe_digest(IMAGE)
    assert drift(other(image), LOCK) == (
        f"`{tool}` of image `web` is not locked",
        f"`{tree}` of image `web` is not locked at refs/tags/v1",
    )
    fetched = package(tool, ecosystem=Ecosystem.URL)
    cloned = replace(package(tree, ecosystem=Ecosystem.GIT), reference="refs/tags/v1")
    lock = replace(LOCK, packages=(*LOCK.packages, fetched, cloned))
    assert drift(other(image), lock) == (f"`{tool}` of image `web` is locked with another sha256 than the file gives",)


def test_versions_side_by_side_are_told_in_pairs() -> None:
    """Of several versions of a Node package, those that stay say nothing."""
    old = replace(LOCK, packages=tuple(package("ms", version, ecosystem=Ecosystem.NPM) for version in "123"))
    new = replace(LOCK, packages=tuple(package("ms", version, ecosystem=Ecosystem.NPM) for version in "24"))
    changes = difference(old, new).packages
    assert [(c.before and c.before.version, c.after and c.after.version) for c in changes] == [("1", "4"), ("3", None)]
