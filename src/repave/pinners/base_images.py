"""An image of a registry below an image, pinned: its manifest for one platform, its configuration, its layers."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

from repave.archives.base_images import CONFIGURATION, INDEX, MANIFEST
from repave.model.lock import Ecosystem, Layer, LockedPackage
from repave.model.names import Digest, ImageName
from repave.model.recipe import Base, Image
from repave.pinners.naming import check_named
from repave.ports.distribution import Distribution, Manifest, Reference, Repository
from repave.ports.errors import Gone, Invalid
from repave.ports.image_format import LAYERS, Descriptor, ImageConfiguration, ImageManifest, is_index, platforms
from repave.ports.pinner import Held, PinRequest, Pins, Refresh
from repave.ports.progress import Progress
from repave.ports.vault import Fetch, Vault

DOCUMENTS = frozenset({INDEX, MANIFEST})
"""What registries give as manifests, not as blobs."""


class BaseImagePinner:
    """The pinner port for the base of an image, where that is an image of a registry."""

    def __init__(self, *, distribution: Callable[[], Distribution], vault: Vault) -> None:
        """``distribution`` opens the way to registries, when one is asked."""
        self._distribution = distribution
        self._vault = vault
        self._resolved: dict[tuple[str, str], tuple[LockedPackage, ...]] = {}
        """By name and architecture: images that are locked together stand on the same base."""

    def pin(self, request: PinRequest, *, progress: Progress) -> Pins:
        """Every blob of the base; see the port. A tag stays what it was locked as, until it is upgraded or repaired."""
        image = request.image
        if not image.base.image:
            return Pins()
        check_named(request)
        with progress.task(f"Locking the base of {image.name}"):
            packages = self._kept(request) or self._resolve(image.base)
            self._bring(packages, progress)
            self._check(image, packages)
        pinned = tuple(replace(package, images=(image.name,)) for package in packages)
        return Pins(packages=pinned, held=tuple(_held(request)))

    def _kept(self, request: PinRequest) -> tuple[LockedPackage, ...]:
        """What is locked of an equal base already, and need not move."""
        base = request.image.base
        reference = Reference.parse(base.image)
        named = request.refresh is Refresh.NAMED and str(reference.repository) in request.named
        flawed = _flawed(request) and reference.digest is None
        if request.refresh is Refresh.UPGRADE or named or flawed:
            return ()
        equal = [image.name for image in request.previous.images if image.base == base]
        equal.sort(key=lambda name: name != request.image.name)
        return next((found for name in equal if (found := _base_of(request, name))), ())

    def _resolve(self, base: Base) -> tuple[LockedPackage, ...]:
        key = (base.image, base.architecture)
        if key not in self._resolved:
            self._resolved[key] = self._asked(base)
        return self._resolved[key]

    def _asked(self, base: Base) -> tuple[LockedPackage, ...]:
        """What the registry has under the name now."""
        reference = Reference.parse(base.image)
        named = self._manifest(reference)
        documents = {MANIFEST: named}
        if is_index(named.content, named.media_type):
            chosen = _platform(named.content, base)
            documents = {INDEX: named, MANIFEST: self._manifest(replace(reference, tag="", digest=chosen.digest))}
        for document in documents.values():
            self._take(document)
        pinned = _Pinned(reference=reference, manifest=documents[MANIFEST].digest)
        parsed = ImageManifest.parse(documents[MANIFEST].content, base.image)
        layers = (
            (f"layer-{number:02}.{LAYERS[layer.media_type]}", layer) for number, layer in enumerate(parsed.layers, 1)
        )
        return (
            *(pinned.document(name, document) for name, document in documents.items()),
            pinned.blob(CONFIGURATION, parsed.configuration),
            *(pinned.blob(name, layer) for name, layer in layers),
        )

    def _bring(self, packages: tuple[LockedPackage, ...], progress: Progress) -> None:
        """Have the documents in the vault; the layers are fetched with all else."""
        for package in packages:
            if package.filename in DOCUMENTS and not self._vault.has(package.sha256):
                digest = Digest(f"sha256:{package.sha256}")
                self._take(self._manifest(Reference(repository=Repository.parse(package.name), digest=digest)))
        wanted = (package for package in packages if package.filename == CONFIGURATION)
        self._vault.fetch(
            [
                Fetch(url=package.origin, sha256=package.sha256, size_bytes=package.size_bytes, name=package.name)
                for package in wanted
            ],
            progress=progress,
        )

    def _check(self, image: Image, packages: tuple[LockedPackage, ...]) -> None:
        """Refuse a base that the recipe does not mean."""
        what = image.base.image
        manifest, said = (self._read(packages, name) for name in (MANIFEST, CONFIGURATION))
        configuration = ImageConfiguration.parse(said, what)
        if len(configuration.differences) != len(ImageManifest.parse(manifest, what).layers):
            raise Invalid(f"{what} names other layers in its configuration than in its manifest")
        if (configuration.os, configuration.architecture) != ("linux", image.base.architecture):
            raise Invalid(
                f"{what} is for {configuration.os}/{configuration.architecture}, image {image.name} is for "
                f"linux/{image.base.architecture}",
                hint=f"write `architecture: {configuration.architecture}` in the base, if that is meant",
            )
        if configuration.volumes and not image.ephemeral:
            raise Invalid(
                f"{what} keeps data on its own disk: it declares the volumes {', '.join(configuration.volumes)}",
                hint=f"keep data in a service made for it; `ephemeral: true` of {image.name} admits that it is lost",
            )

    def _manifest(self, reference: Reference) -> Manifest:
        try:
            return self._distribution().manifest(reference)
        except Gone as gone:
            raise Invalid(
                f"there is no image {reference}: {gone.message}", hint="check its registry, name and tag or digest"
            ) from gone

    def _take(self, document: Manifest) -> None:
        sha256 = document.digest.removeprefix("sha256:")
        self._vault.take(BytesIO(document.content), sha256=sha256, size_bytes=len(document.content))

    def _read(self, packages: tuple[LockedPackage, ...], name: str) -> bytes:
        wanted = next((package for package in packages if package.filename == name), None)
        if wanted is None:
            raise Invalid(
                f"the lock has no {name} of its base {packages[0].name}",
                hint=f"it was edited: `repave lock --upgrade-package {packages[0].name}` writes it anew",
            )
        self._vault.verify(wanted.sha256)
        return Path(self._vault.path(wanted.sha256)).read_bytes()


class _Pinned:
    """How the parts of one image are written into the lock."""

    def __init__(self, *, reference: Reference, manifest: Digest) -> None:
        self._reference = reference
        self._manifest = manifest

    def document(self, name: str, document: Manifest) -> LockedPackage:
        """The index or the manifest."""
        return self.blob(
            name,
            Descriptor(digest=document.digest, size_bytes=len(document.content), media_type=document.media_type),
        )

    def blob(self, name: str, blob: Descriptor) -> LockedPackage:
        """The configuration, or a layer."""
        repository = self._reference.repository
        return LockedPackage(
            ecosystem=Ecosystem.OCI,
            name=str(repository),
            version=self._manifest,
            sha256=blob.digest.removeprefix("sha256:"),
            size_bytes=blob.size_bytes,
            origin=repository.blob(blob.digest),
            filename=name,
            layer=Layer.BASE,
            images=(),
            reference=self._reference.tag,
        )


def _flawed(request: PinRequest) -> bool:
    """Whether the base is to move for the sake of flaws in it."""
    repository = str(Reference.parse(request.image.base.image).repository)
    asked = request.repairs if request.refresh is Refresh.REPAIRS else ()
    return any(repair.ecosystem is Ecosystem.OCI and repair.name == repository for repair in asked)


def _held(request: PinRequest) -> Iterator[Held]:
    """A digest in the recipe names one image for ever."""
    reference = Reference.parse(request.image.base.image)
    if reference.digest and _flawed(request):
        yield Held(
            name=str(reference.repository),
            version="",
            why=f"the base of image `{request.image.name}` is named by its digest",
            recipe=("images", request.image.name, "base", "image"),
            remedy="name a tag, which `repave.lock` pins, or the digest of a newer image; then `repave patch` again",
        )


def _base_of(request: PinRequest, name: ImageName) -> tuple[LockedPackage, ...]:
    packages = request.previous.packages_of(name)
    return tuple(package for package in packages if package.ecosystem is Ecosystem.OCI)


def _platform(index: bytes, base: Base) -> Descriptor:
    """The image for the base's processor; of several variants the first, as the registry's own clients take it."""
    offered = platforms(index, base.image)
    for platform in offered:
        if (platform.os, platform.architecture) == ("linux", base.architecture):
            return platform.manifest
    known = ", ".join(dict.fromkeys(platform.title for platform in offered if platform.os != "unknown"))
    raise Invalid(
        f"{base.image} has no image for linux/{base.architecture}",
        hint=f"it has {known}" if known else "it names no platform at all",
    )
