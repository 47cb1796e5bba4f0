"""``repave sbom``."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from repave.cli.codes import OK
from repave.cli.opening import opened
from repave.cli.options import File, Json
from repave.cli.parameters import Argument, Option
from repave.cli.screen import Screen
from repave.cli.verbs import example
from repave.operations.errors import Refused
from repave.operations.listing import Listed
from repave.operations.rewriting import replace_file
from repave.ports.inventories import SbomFormat

Image = Annotated[str | None, Argument(help="An image of the release [default: its only one].", metavar="IMAGE")]
ReleaseOption = Annotated[str | None, Option("--release", help="A release, as r17 [default: newest].", metavar="rN")]
Form = Annotated[SbomFormat, Option("--format", help="In which format.")]
Output = Annotated[
    Path | None, Option("--output", "-o", help="Write it to this file [default: print it].", metavar="FILE")
]


@example("repave sbom", "repave sbom web --release r3 -o web.cdx.json", "repave sbom --format spdx -o web.spdx.json")
def sbom(
    image: Image = None,
    *,
    release: ReleaseOption = None,
    form: Form = SbomFormat.CYCLONEDX,
    output: Output = None,
    as_json: Json = False,
    file: File = None,
) -> int:
    """List all that an artifact is made of, for scanners and auditors: CycloneDX 1.6, or SPDX 2.3.

    Packages and files with package URLs, sha256, licences, suppliers, and what each needs. The same artifact gives the
    same bytes.
    """
    screen = Screen(as_json=as_json)
    with opened(file) as wiring, screen.progress() as progress:
        listed = wiring.listing.sbom(image, release, form, progress)
    text = listed.statement.document.decode()
    if output is not None:
        _write(output, text)
    screen.answer({**_document(listed), "output": output, "document": None if output else json.loads(text)})
    if output is None:
        screen.show(text)
    else:
        screen.say(f"{listed.release}  {listed.artifact.image}  {listed.artifact.digest}: {form} in {output}")
    return OK


def _document(listed: Listed) -> dict[str, object]:
    return {
        "release": str(listed.release),
        "image": listed.artifact.image,
        "artifact": listed.artifact.digest,
        "format": listed.form,
        "media_type": listed.statement.media_type,
        "sha256": sha256(listed.statement.document).hexdigest(),
    }


def _write(output: Path, text: str) -> None:
    try:
        replace_file(output, text)
    except OSError as error:
        raise Refused(
            f"cannot write {output}: {error.strerror}", hint="name a file in a folder you may write"
        ) from error
