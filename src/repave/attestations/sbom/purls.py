"""Package URLs: names of packages that every ecosystem's tools read.

Source: package-url specification and its types. ``upstream`` is not among Debian's qualifiers there; it is how scanners
learn the source package, by which distributions publish what is vulnerable.
"""

from packageurl import PackageURL

from repave.attestations.sbom.inventory import Bundled, Found
from repave.model.lock import Ecosystem, LockedImage, LockedPackage
from repave.model.names import Digest

VENDORS = {"deb": "debian", "apk": "alpine"}
"""Whose packages they are where an image does not say it: the type needs one."""


def purl(package: LockedPackage, image: LockedImage) -> str:
    """The package URL of one package of the image."""
    match package.ecosystem:
        case Ecosystem.DEB:
            found = _debian(package, image)
        case Ecosystem.PYPI:
            found = PackageURL("pypi", None, package.name, package.version)
        case Ecosystem.NPM:
            scope, _, name = package.name.rpartition("/")
            told = {"vcs_url": package.origin} if package.of_commit else {}
            found = PackageURL("npm", scope or None, name, package.version, told)
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


def bundled_purl(package: Bundled) -> str:
    """Of a package within the archive of another."""
    scope, _, name = package.name.rpartition("/")
    return PackageURL("npm", scope or None, name, package.version).to_string()


def found_purl(package: Found, distribution: tuple[str, str, str] | None) -> str:
    """Of a package that an image of somebody else says it holds; ``distribution`` is what that says of itself."""
    if package.ecosystem == "pypi":
        return PackageURL("pypi", None, package.name, package.version).to_string()
    name, number, release = distribution or ("", "", "")
    told = {"arch": package.architecture, "distro": release or number}
    told |= _upstream(package.name, package.version, package.source, package.source_version)
    told = {key: value for key, value in told.items() if value}
    vendor = name or VENDORS[package.ecosystem]
    return PackageURL(package.ecosystem, vendor, package.name, package.version, told).to_string()


def artifact_purl(name: str, digest: Digest, architecture: str) -> str:
    """Of the artifact itself, by the digest of its manifest."""
    return PackageURL("oci", None, name.replace("/", "-").lower(), digest, {"arch": architecture}).to_string()


def _debian(package: LockedPackage, image: LockedImage) -> PackageURL:
    told = {"arch": package.architecture, "distro": image.base.release}
    told |= _upstream(package.name, package.version, package.source, package.source_version)
    return PackageURL("deb", image.base.distribution, package.name, package.version, told)


def _upstream(name: str, version: str, source: str, source_version: str) -> dict[str, str]:
    if not source or source == name:
        return {}
    return {"upstream": f"{source}@{source_version}" if source_version not in {"", version} else source}


def _last(address: str) -> str:
    return address.rstrip("/").rpartition("/")[2]
