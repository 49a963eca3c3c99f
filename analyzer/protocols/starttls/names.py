"""Words and verdicts that are the same wherever a connection turns to TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Finding, FindingKind, Severity

if TYPE_CHECKING:
    from analyzer.core import Place

REFUSED: Final = "tls.starttls-refused"

#: Stands in place of what is nobody's business: passwords, user names, tokens.
HIDDEN: Final = "(credentials not shown)"
UNKNOWN: Final = "unknown command (not shown)"

#: Names of SASL mechanisms that may be told; anything else may be a credential in the wrong place.
MECHANISMS: Final = frozenset(
    (
        *("ANONYMOUS", "CRAM-MD5", "DIGEST-MD5", "EXTERNAL", "GSSAPI", "GS2-KRB5", "LOGIN", "NTLM", "OAUTHBEARER"),
        *("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-512"),
        *("SCRAM-SHA-512-PLUS", "XOAUTH2"),
    )
)

#: What a `Note` of a refusal leads to; the text of the finding says which answer it was.
CAUSE: Final = (
    "The server has no certificate or its TLS is switched off, its policy refuses TLS here, or it does not know the "
    "request at all."
)
ADVICE: Final = (
    "Look at the TLS settings and the log of the server.  A client that goes on in clear sends all it has, its "
    "password too, where others can read it: let it insist on TLS."
)


#: Many rooms come to this verdict, and each gives the section of its own protocol; so that it is explained once, one
#: table has it.
FINDINGS: Final = {
    REFUSED: FindingKind(
        Severity.ERROR,
        "The server refused to turn to TLS",
        "RFC 3207 4 for SMTP; each protocol has its own",
        cause=CAUSE,
        advice=ADVICE,
    )
}


def refusal(text: str, places: list[Place], spec: str, severity: Severity) -> Finding:
    """The verdict that TLS was refused, complete; `spec` is the section of the protocol that asked for it."""
    finding = Finding(REFUSED, text, places, cause=CAUSE, advice=ADVICE, severity=severity)
    finding.title = FINDINGS[REFUSED].title
    finding.spec = spec
    return finding
