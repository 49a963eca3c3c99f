"""What is drawn together for a call: all its verdicts, without those of single paths that they cover."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.sessions.webrtc import associations, ends, gathering, ice, integrity, media
from analyzer.sessions.webrtc import findings as codes

if TYPE_CHECKING:
    from analyzer.core import Finding
    from analyzer.sessions.webrtc.view import View

#: Said by the rooms of single paths, and said again here of all of them.
OF_PATHS: Final = frozenset({"ice.consent-lost", "ice.role-conflict"})
#: Of a path that is one of several: the table of pairs has it.
OF_CHECKS: Final = frozenset({"stun.no-response"})
#: Of checks that were refused for the password they were made with.
REFUSED: Final = frozenset({"stun.error-400-401-on-check"})


def findings(view: View) -> list[Finding]:
    """All that is to be said of the call; what is covered is taken out of the stories of its flows."""
    found = [*ice.findings(view), *gathering.findings(view), *ends.findings(view), *associations.findings(view)]
    strange = media.unknown_type(view)
    if strange is not None:
        found.append(strange)
    wrong = integrity.bad_integrity(view)
    more: frozenset[str] = frozenset()
    if wrong is not None:
        # That all were refused, or that nothing worked, is what came of it.
        more |= REFUSED
        found = [wrong, *(one for one in found if one.code != codes.ALL_FAILED)]
    told = {one.code for one in found}
    if codes.FINGERPRINT_MISMATCH in told:
        more |= ends.COVERED
    if codes.PORT_MISMATCH in told or codes.SNAP_BROKEN in told:
        more |= associations.COVERED
    if codes.UDP_BLOCKED in told:
        more |= OF_CHECKS
    drop_covered(view, more)
    return found


def drop_covered(view: View, more: frozenset[str]) -> None:
    checked = {flow for pair in view.pairs if pair.checked for flow in pair.flows}
    for story in view.call:
        covered = more | OF_PATHS | (OF_CHECKS if story.flow.id in checked else frozenset())
        if any(finding.code in covered for finding in story.findings):
            story.findings = [finding for finding in story.findings if finding.code not in covered]
