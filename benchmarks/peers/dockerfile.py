"""``docker build`` of the same image: the same packages and wheels, from files, over a base that mmdebstrap made."""

import shutil
import time
from pathlib import Path

from peers.engine import Engine
from repave.model.lock import Ecosystem, Layer, LockedPackage
from repave.ports.baker import BakeRequest
from repave.ports.vault import Vault

DOCKERFILE = """FROM base
COPY packages /packages
RUN dpkg --unpack --force-unsafe-io --force-depends /packages/*.deb && dpkg --configure --pending && rm -r /packages
COPY wheels /wheels
RUN python3 /wheels/{pip}/pip install --no-cache-dir --no-index --no-deps --target {site} /wheels/*.whl && rm -r /wheels
COPY app /srv/app
USER www-data
WORKDIR /srv/app
CMD {run}
"""
SITE = "/usr/local/lib/python3.11/dist-packages"
LIMIT_SECONDS = 600.0


def lay_out(folder: Path, request: BakeRequest, pip: LockedPackage, vault: Vault) -> None:
    """Make the folder what ``docker build`` is given: only what changed is written, as a person would."""
    wanted: dict[Path, Path] = {}
    for package in request.packages:
        if package.layer is Layer.PLATFORM:
            wanted[folder / "packages" / package.filename] = vault.path(package.sha256)
        if package.ecosystem is Ecosystem.PYPI:
            wanted[folder / "wheels" / package.filename] = vault.path(package.sha256)
    # pip runs out of its own wheel: the image has none, and should not have.
    wanted[folder / "wheels" / f"{pip.filename}.zip"] = vault.path(pip.sha256)
    for file in request.files:
        wanted[folder / "app" / file.target.removeprefix("/srv/app/")] = vault.path(file.sha256)
    for place in (place for place in folder.rglob("*") if place.is_file() and place not in wanted):
        place.unlink()
    for target, source in wanted.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    run = str(list(request.image.run)).replace("'", '"')
    text = DOCKERFILE.format(pip=f"{pip.filename}.zip", site=SITE, run=run)
    (folder / "Dockerfile").write_text(text, encoding="utf-8")


def build(engine: Engine, folder: Path) -> float:
    """Seconds of one build, with whatever the engine has cached."""
    began = time.perf_counter()
    engine.docker("build", "--quiet", "--network", "none", "--tag", "web", str(folder), seconds=LIMIT_SECONDS)
    return time.perf_counter() - began


def import_base(engine: Engine, tar: Path) -> float:
    """Seconds to have the base as an image."""
    began = time.perf_counter()
    engine.docker("import", str(tar), "base", seconds=LIMIT_SECONDS)
    return time.perf_counter() - began
