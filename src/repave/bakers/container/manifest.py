"""Configuration and manifest of the image: what runs, as whom, and of which layers. No setting, no secret, no time.

Source: OCI Image Format Specification 1.0.
"""

import json
from collections.abc import Sequence
from typing import Any

from repave.archives.base_images import LockedBase
from repave.bakers.rootfs.cache import LayerRecord
from repave.bakers.rootfs.ownership import ENVIRONMENT, user_of, working_folder
from repave.bakers.rootfs.skeleton import Skeleton
from repave.model.recipe import Image
from repave.ports.baker import BakeRequest
from repave.ports.image_format import ImageConfiguration

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIGURATION_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_NAME = "repave.layer"
CREATED = "1970-01-01T00:00:00Z"
"""The same content is the same image on any day; when it was made is in the store."""

NOTHING_BELOW = ImageConfiguration(architecture="", os="linux", variant="", differences=(), runs={})
BASE_NAME, BASE_DIGEST = "org.opencontainers.image.base.name", "org.opencontainers.image.base.digest"
"""Annotations by which others know what an image stands on (OCI Image Format Specification, "Annotations")."""


def configuration(
    request: BakeRequest, layers: Sequence[LayerRecord], skeleton: Skeleton, base: LockedBase | None = None
) -> bytes:
    """The image's configuration, over that of an image below. Raises Invalid for a user that the image does not have.

    What is run, where and as whom is the recipe's to say: an entrypoint of the image below is not taken over.
    """
    image = request.image
    inherited = base.configuration if base else NOTHING_BELOW
    runs: dict[str, Any] = {
        "User": user_of(image, skeleton),
        "Env": [f"{name}={value}" for name, value in {**ENVIRONMENT, **inherited.environment}.items()],
        "WorkingDir": working_folder(request) or inherited.folder or "/",
        "Labels": {**inherited.labels, "org.opencontainers.image.title": image.name},
    }
    if inherited.ports:
        runs["ExposedPorts"] = {port: {} for port in inherited.ports}
    if inherited.stop_signal:
        runs["StopSignal"] = inherited.stop_signal
    volumes = sorted({*inherited.volumes, *(path.rstrip("/") for path in image.data)})
    if volumes:
        runs["Volumes"] = {path: {} for path in volumes}
    if image.run:
        runs["Cmd"] = list(image.run)
    content = {
        "architecture": image.base.architecture,
        "os": "linux",
        "created": CREATED,
        "config": runs,
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for layer in layers]},
        "history": [{"created": CREATED, "created_by": f"repave: {layer.layer}"} for layer in layers],
    }
    return _canonical({**content, "variant": inherited.variant} if inherited.variant else content)


def manifest(
    image: Image, layers: Sequence[LayerRecord], *, digest: str, size_bytes: int, base: LockedBase | None = None
) -> bytes:
    """The image's manifest; ``digest`` and ``size_bytes`` are the configuration's."""
    named = dict(zip((BASE_NAME, BASE_DIGEST), base.name.rsplit("@", 1), strict=True)) if base else {}
    return _canonical(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": CONFIGURATION_TYPE, "digest": digest, "size": size_bytes},
            "layers": [
                {
                    "mediaType": layer.media_type,
                    "digest": layer.digest,
                    "size": layer.size_bytes,
                    "annotations": {LAYER_NAME: str(layer.layer)},
                }
                for layer in layers
            ],
            "annotations": {
                "org.opencontainers.image.created": CREATED,
                "org.opencontainers.image.title": image.name,
                **named,
            },
        }
    )


def _canonical(content: dict[str, Any]) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
