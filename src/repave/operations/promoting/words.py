"""What people sign: an approval or a waiver in one form of bytes, which says exactly what it is about."""

from datetime import UTC

from repave.model.evidence import Approval, Waiver
from repave.model.names import ProjectName
from repave.model.release import Release
from repave.model.statement import canonical


def words_of_approval(project: ProjectName, approval: Approval, release: Release) -> bytes:
    """Canonical JSON. The artifacts are in it: what was approved cannot become something else of the same number."""
    return canonical(
        {
            "kind": approval.kind,
            "project": project,
            "environment": approval.environment,
            "release": approval.release,
            "artifacts": dict(release.artifacts),
            "lock": release.lock,
            "source": release.source,
            "reason": approval.reason,
            "at": approval.at.astimezone(UTC).isoformat(),
        }
    )


def words_of_waiver(project: ProjectName, waiver: Waiver) -> bytes:
    """Canonical JSON."""
    return canonical(
        {
            "kind": waiver.kind,
            "project": project,
            "flaw": waiver.flaw,
            "reason": waiver.reason,
            "at": waiver.at.astimezone(UTC).isoformat(),
            "until": waiver.until.astimezone(UTC).isoformat(),
        }
    )
