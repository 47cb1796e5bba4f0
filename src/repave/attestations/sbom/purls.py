"""Package URLs: names of packages that every ecosystem's tools read.

Source: package-url specification and its types. ``upstream`` is not among Debian's qualifiers there; it is how scanners
learn the source package, by which distributions publish what is vulnerable.
"""

from packageurl import PackageURL

from repave.model.lock import Ecosystem, LockedImage, LockedPackage
from repave.model.names import Digest


def purl(package: LockedPackage, image: LockedImage) -> str:
    """The package URL of one package of the image."""
    match package.ecosystem:
        case Ecosystem.DEB:
            found = _debian(package, image)
        case Ecosystem.PYPI:
            found = PackageURL("pypi", None, package.name, package.version)
        case Ecosystem.NPM:
            scope, _, name = package.name.rpartition("/")
            found = PackageURL("npm", scope or None, name, package.version)
        case Ecosystem.URL:
            told = {"download_url": package.name, "checksum": f"sha256:{package.sha256}"}
            found = PackageURL("generic", None, package.filename, None, told)
        case Ecosystem.GIT:
            name = _last(package.name).removesuffix(".git")
            told = {"vcs_url": f"git+{package.name}@{package.version}"}
            found = PackageURL("generic", None, name, package.version, told)
        case Ecosystem.OCI:
            told = {"repository_url": package.name}
            found = PackageURL("oci", None, _last(package.name).lower(), package.version, told)
    return found.to_string()


def artifact_purl(name: str, digest: Digest, architecture: str) -> str:
    """Of the artifact itself, by the digest of its manifest."""
    return PackageURL("oci", None, name.replace("/", "-").lower(), digest, {"arch": architecture}).to_string()


def _debian(package: LockedPackage, image: LockedImage) -> PackageURL:
    told = {"arch": package.architecture, "distro": image.base.release}
    if package.source and package.source != package.name:
        rebuilt = package.source_version not in {"", package.version}
        told["upstream"] = f"{package.source}@{package.source_version}" if rebuilt else package.source
    return PackageURL("deb", image.base.distribution, package.name, package.version, told)


def _last(address: str) -> str:
    return address.rstrip("/").rpartition("/")[2]
