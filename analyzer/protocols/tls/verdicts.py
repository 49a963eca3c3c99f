"""What is concluded of a TLS connection: findings with their evidence, the outcome, and the facts of its session."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from analyzer.core import Finding, Outcome, Piece, Severity, Shared, Side, Value
from analyzer.protocols.tls import messages, names, trust, wording
from analyzer.protocols.tls.findings import ALERT_CODES, FINDINGS, OTHER_ALERT
from analyzer.protocols.tls.keys import suite as suite_of
from analyzer.protocols.tls.messages import (
    EMPTY_RENEGOTIATION_INFO,
    FALLBACK,
    PRE_SHARED_KEY,
    RENEGOTIATION_INFO,
    SENTINELS,
    SIGNATURE_ALGORITHMS,
    STATUS_REQUEST,
    SUPPORTED_GROUPS,
    SUPPORTED_VERSIONS,
    TLS12,
    TLS13,
    is_13,
)
from analyzer.protocols.tls.state import ACCEPTED, CLEAR, NOT_OFFERED, OFFERED, REJECTED
from analyzer.protocols.tls.suites import weaknesses

if TYPE_CHECKING:
    from analyzer.core import Flow, Note, Output, Outputs, TcpSummary
    from analyzer.protocols.tls.certificates import Certificate
    from analyzer.protocols.tls.dissector import Tls
    from analyzer.protocols.tls.handshake import Handshake
    from analyzer.protocols.tls.messages import ClientHello, ServerHello
    from analyzer.protocols.tls.state import Link, Where
    from analyzer.protocols.tls.suites import Suite
    from analyzer.protocols.tls.trust import Verdict

#: A server that needs longer than this beyond a round trip is worth a word.
THINK_NS: Final = 200_000_000
#: Without an answer for so long, somebody has to look.
SILENCE_NS: Final = 3_000_000_000
INITIAL_WINDOW_SEGMENTS: Final = 10  # RFC 6928 §2
DEFAULT_MSS: Final = 1460
#: Of a round trip: a gap inside a flight between these is a wait for the ACK.
STALL_SHARE: Final = 0.7
MOST_STALL: Final = 3
LEAST_STALL_NS: Final = 1_000_000
#: Of the initial window: so much was sent when it was full (segments may be shorter by their options).
WINDOW_SHARES: Final = (0.85, 1.1)
SAFE_GROUP_BITS: Final = 2048  # of finite field Diffie-Hellman, RFC 9325 §4.1

# Alerts by their number, RFC 9846 §6.
HANDSHAKE_FAILURE: Final = 40
UNSUPPORTED_CERTIFICATE: Final = 43
CERTIFICATE_EXPIRED: Final = 45
PROTOCOL_VERSION: Final = 70
USER_CANCELED: Final = 90
CERTIFICATE_REQUIRED: Final = 116
ECH_REQUIRED: Final = 121
WARNING_ALERTS: Final = frozenset((90, 100, 112))  # that do not end a connection where their level says warning
CERTIFICATE_ALERTS: Final = frozenset((42, 43, 44, 45, 46, 48, 49, 113))
SYNTAX_ALERTS: Final = frozenset((10, 22, 47, 50, 109, 110))
ALERT_RECORD_BYTES: Final = 19  # level, description, content type and tag, in TLS 1.3
#: In TLS 1.3 a client is through before the server judges its certificate: these refuse a handshake all the same.
REFUSALS: Final = frozenset((*CERTIFICATE_ALERTS, CERTIFICATE_REQUIRED, 40, 51, 121))

#: Labels of what both sides had, and how far what they say stands from them.
CLIENT_OFFERED: Final = "The client offered"
SERVER_OFFERED: Final = "The server offered"
SERVER_CHOSE: Final = "The server chose"
LABEL_GAP: Final = 3
NOTHING: Final = "nothing; it does not say what it would take"

#: What stands among the suites and is none.
SIGNALS: Final = frozenset((EMPTY_RENEGOTIATION_INFO, FALLBACK))

#: Tables that flows share.
TOLD: Final = "tls.told"

#: What the reasons of a chain's verdict are called here.
PROBLEM_CODES: Final = {
    "expired": "tls.cert-validity",
    "not-yet-valid": "tls.cert-validity",
    "name-mismatch": "tls.cert-name-mismatch",
    "incomplete-chain": "tls.cert-incomplete-chain",
    "untrusted-root": "tls.cert-untrusted",
    "unknown-issuer": "tls.cert-untrusted",
    "self-signed": "tls.cert-untrusted",
    "bad-signature": "tls.cert-invalid",
    "not-a-ca": "tls.cert-invalid",
    "path-length": "tls.cert-invalid",
    "wrong-usage": "tls.cert-invalid",
}
#: Of these the first is told, not what follows from it.
CHAIN_CODES: Final = frozenset(("tls.cert-incomplete-chain", "tls.cert-untrusted", "tls.cert-invalid"))

#: Which problems of a chain an alert may be about; all where it is not here.
ALERT_PROBLEMS: Final[dict[int, frozenset[str]]] = {
    44: frozenset(),
    45: frozenset(("expired", "not-yet-valid")),
    48: frozenset(reason for reason, code in PROBLEM_CODES.items() if code in CHAIN_CODES and reason != "wrong-usage"),
    49: frozenset(),
    113: frozenset(),
}

#: Why a chain with such a problem was refused.
CERTIFICATE_CAUSES: Final = {
    "incomplete-chain": "The intermediate certificate was not sent: there is no way from this one to a root.",
    "unknown-issuer": (
        "{issuer} is a private authority that the {who} does not know, or an intermediate certificate that was not "
        "sent."
    ),
    "untrusted-root": "A private authority, whose root is not installed on the {who}.",
    "self-signed": "The certificate is signed by itself, and not installed as trusted on the {who}.",
    "expired": "It was not renewed in time, or the renewed one is not in use yet.",
    "not-yet-valid": "It was made by a machine whose clock is ahead, or is in use too early.",
    "name-mismatch": "The wrong virtual host answered, or the name was left out of the certificate.",
    "bad-signature": "The chain was put together wrongly: it has another authority of the same name.",
    "wrong-usage": "The certificate was made for another purpose.",
}

#: Those of them that hold whether somebody refused the certificate or not.
CAUSES: Final = {
    reason: cause
    for reason, cause in CERTIFICATE_CAUSES.items()
    if reason in ("expired", "not-yet-valid", "bad-signature", "wrong-usage")
}

#: What could make a verdict on a chain wrong.
LIMITS: Final = {
    "expired": "By the clock of the machine that captured.",
    "not-yet-valid": "By the clock of the machine that captured.",
    "name-mismatch": "Compared with server_name; a client may check another name.",
    "incomplete-chain": "A client may have the missing one from elsewhere; then it does not fail.",
}

#: What the names of issuers that inspect TLS contain.
INSPECTORS: Final = (
    "mitmproxy", "charles proxy", "portswigger", "burp", "fiddler", "do_not_trust", "zscaler", "fortinet", "fortigate",
    "blue coat", "bluecoat", "symantec web security", "netskope", "cisco umbrella", "palo alto", "sophos", "kaspersky",
    "bitdefender", "eset ssl", "avast", "avg technologies", "websense", "forcepoint", "barracuda", "untangle",
    "check point", "squid", "proxyman", "http toolkit", "mcafee web gateway", "checkpoint", "adguard", "drweb",
)  # fmt: skip


def side(link: Link, sender: Side) -> str:
    return "client" if sender is link.client else "server"


def after(link: Link, time_ns: int) -> str:
    """As in ", 0.09 ms after the ClientHello"."""
    if link.hello_at is None:
        return ""
    return f", {wording.duration(max(time_ns - link.hello_at.time_ns, 0))} after the ClientHello"


def where(at: Where) -> str:
    frames = at.frames
    return f"frame {frames[-1]}" if frames else "the capture"


def rows(*told: tuple[str, list[str]]) -> str:
    """Labels and what is said beside them, in lines below each other."""
    wide = max([len(label) for label, _ in told]) + LABEL_GAP
    return "".join(
        f"\n{label if not index else '':{wide}}{line}" for label, said in told for index, line in enumerate(said)
    )


def offered(link: Link) -> tuple[str, list[str]]:
    """What the client offered, beside its label."""
    hello = link.hello
    if hello is None:
        return CLIENT_OFFERED, []
    said = [wording.versions(hello.versions)]
    suites = wording.named_suites(hello.suites)
    new = [name for name in suites if "_WITH_" not in name]
    old = [name for name in suites if "_WITH_" in name]
    if new and any(is_13(version) for version in hello.versions):
        said.append(f"for TLS 1.3: {wording.listed(new, 5)}")
    if old:
        said.append(f"for TLS 1.2 and older{', only this' if len(old) == 1 else ''}: {wording.listed(old, 4)}")
    groups = wording.named_groups(hello.numbers(SUPPORTED_GROUPS))
    if groups:
        said.append(f"groups: {wording.listed(groups, 6)}")
    return CLIENT_OFFERED, said


def places(link: Link, *more: Where | None) -> list[Where]:
    """Evidence: the ClientHello, and what else there is."""
    found: list[Where] = [] if link.hello_at is None else [link.hello_at]
    found.extend(place for place in more if place is not None)
    return found


# --- while it happens -------------------------------------------------------------------------------------------------


def not_tls(link: Link, unit: Piece) -> Finding:
    start = bytes(unit.cut(0, 60))
    text = start.split(b"\n")[0].rstrip(b"\r").decode("ascii", "replace")
    readable = text.isprintable() and len(text) > 2
    shown = f'"{text}"' if readable else start[:12].hex(" ")
    what = ""
    if start.startswith(b"HTTP/"):
        what = " That is HTTP in clear: the port serves plain HTTP, or a proxy answers."
    elif start[:3].isdigit():
        what = " That is the greeting of a protocol that starts in clear: it wants STARTTLS first."
    elif start.startswith(b"SSH-"):
        what = " That is SSH."
    return Finding(
        "tls.not-tls",
        f"The client sent a ClientHello; the server's first bytes are {shown}{after(link, unit.time_ns)}.{what}",
        places(link, unit.place),
    )


def on_version(hand: Handshake, at: Where) -> Outputs:
    link = hand.link
    if link.version < TLS12 and not is_13(link.version):
        hello = link.hello
        best = max(hello.versions) if hello is not None and hello.versions else 0
        why = "The client offered nothing newer."
        if hello is not None and best > link.version:
            why = f"The client offered {wording.versions(hello.versions)}: it is the server that has nothing newer."
        text = f"{names.version_name(link.version)} was negotiated. {why}"
        return (Finding("tls.version-deprecated", text, places(link, at)),)
    return ()


def on_server_hello(hand: Handshake, note: Note) -> Outputs:
    link = hand.link
    at, answer = note.where, link.answer
    if answer is None:
        return (_retried(link, note),)
    found: list[Output] = list(on_version(hand, at))
    if link.hello is not None:
        if not is_13(link.version):
            _on_older_hello(link, link.hello, answer, at, found)
        _harmless(hand, at, found)
    if link.suite is not None and broken(link.suite):
        wrong = weaknesses(link.suite)
        if wrong:
            found.append(Finding("tls.suite-weak", f"{link.suite.name}: {'; '.join(wrong)}.", places(link, at)))
    return found


def _retried(link: Link, note: Note) -> Finding:
    """Of a HelloRetryRequest."""
    if link.retries > 1:
        text = "The server sent a second HelloRetryRequest."
        return Finding("tls.hrr-second", text, places(link, link.retry_at, note.where))
    text = f"The server {note.text}: the handshake needs one more round trip."
    return Finding("tls.hrr-extra-rtt", text, places(link, note.where))


def _on_older_hello(link: Link, hello: ClientHello, answer: ServerHello, at: Where, found: list[Output]) -> None:
    """What a ServerHello up to TLS 1.2 may lack."""
    sentinel = SENTINELS.get(answer.random[24:])
    if sentinel is not None:
        best = max([version for version in hello.versions if version <= TLS13], default=0)
        if best > link.version and (best == TLS13 or sentinel == "TLS 1.2"):
            text = (
                f"{names.version_name(link.version)} was negotiated, though the client offered "
                f"{names.version_name(best)}; the end of the server's random ({answer.random[24:].hex(' ')}) says that "
                f"the server has {sentinel} too."
            )
            found.append(Finding("tls.downgrade-sentinel", text, places(link, at)))
    if RENEGOTIATION_INFO not in answer.values and (
        RENEGOTIATION_INFO in hello.values or EMPTY_RENEGOTIATION_INFO in hello.suites
    ):
        text = "The client asked for secure renegotiation; the ServerHello has no renegotiation_info."
        found.append(Finding("tls.renegotiation-insecure", text, places(link, at)))


def unsafe(value: int) -> bool:
    """Whether the suite of this number is known to protect little or nothing."""
    made = suite_of(value)
    return made is not None and broken(made)


def broken(suite: Suite) -> bool:
    """Whether a suite protects little or nothing; lesser weaknesses are for `analyzer explain`.  RFC 9325 §4.1"""
    return (
        suite.kind in ("null", "stream")
        or suite.authentication in ("anon", "NULL")
        or suite.export
        or (suite.kind == "block" and suite.block_bytes == 8)
    )


def _harmless(hand: Handshake, at: Where, found: list[Output]) -> None:
    """What looks odd and is meant to: each is explained once for a capture."""
    link = hand.link
    hello = link.hello
    if hello is None or link.hello_at is None:
        return
    if is_13(link.version) and first_time(hand.shared, b"legacy-version"):
        text = "supported_versions has TLS 1.3; the fields before it say TLS 1.2, as they always will."
        found.append(Finding("tls.harmless-legacy-version", text, places(link, at)))
    for values in (hello.suites, hello.types):
        if values and names.is_grease(values[0]) and first_time(hand.shared, b"grease"):
            text = f"The ClientHello has values that mean nothing, 0x{values[0]:04x} among them."
            found.append(Finding("tls.harmless-grease", text, link.hello_at))


def overread(note: Note, who: str) -> Finding:
    """Of a heartbeat that claims more than it has."""
    fields = note.fields
    text = (
        f"The {who}'s heartbeat claims {fields['payload_length']:,} bytes of payload and {fields['bytes']:,} bytes are "
        f"all that it has: {fields['missing_bytes']:,} too few, with the padding. It has to be ignored (RFC 6520 4)."
    )
    return Finding("tls.heartbleed", text, note.where)


def overread_answered(note: Note, who: str) -> Finding:
    """Of the answer to such a heartbeat."""
    text = f"The {who} answered it, with {note.fields['bytes']:,} bytes: what was missing is from its memory."
    return Finding("tls.heartbleed", text, note.where, severity=Severity.ERROR)


def first_time(shared: Shared, what: bytes) -> bool:
    """Whether `what` has not been told of in this capture."""
    if shared.recall(TOLD, what) is not None:
        return False
    shared.remember(TOLD, what, True)
    return True


def compatible_ccs(hand: Handshake, at: Piece) -> Outputs:
    if not first_time(hand.shared, b"compat-ccs"):
        return ()
    text = "TLS 1.3 has no use for it; sent so that old middleboxes let it pass."
    return (Finding("tls.harmless-compat-ccs", text, at),)


# --- certificates -----------------------------------------------------------------------------------------------------


def on_certificate(hand: Handshake, sender: Side, note: Note) -> Outputs:
    """Judge a chain as of the time of its message."""
    link = hand.link
    by_server = sender is link.server
    chain = link.chains[1 if by_server else 0]
    if not chain:
        return ()
    at = note.where
    verdict = judged(hand, chain, by_server, note.time_ns)
    said: list[Output] = []
    told = False
    for problem in verdict.problems:
        code = PROBLEM_CODES.get(problem.reason)
        if code is None or (code in CHAIN_CODES and told):
            continue
        told = told or code in CHAIN_CODES
        text = f"{problem.text[:1].upper()}{problem.text[1:]}."
        if not by_server:
            text = f"Of the client: {problem.text}."
        found = Finding(code, text, at, cause=CAUSES.get(problem.reason, ""), limits=LIMITS.get(problem.reason, ""))
        if problem.reason == "name-mismatch" and link.hello is not None and is_address(link.hello.server_name or ""):
            found.severity = Severity.NOTICE
            found.cause = (
                "The client connects by address and puts that in server_name, where only names are allowed "
                "(RFC 6066 3): it may well check another name."
            )
        said.append(found)
    if verdict.problems and note.verdict is None:
        first = verdict.problems[0]
        if PROBLEM_CODES.get(first.reason) in (
            "tls.cert-validity",
            "tls.cert-name-mismatch",
            "tls.cert-incomplete-chain",
        ):
            note.verdict = first.text
    if by_server:
        _server_certificate(hand, chain[0], verdict.trusted, at, said)
        if link.is_13:
            said.extend(on_status(hand, at))
    return said


@lru_cache(1024)
def inspects(issuer: str) -> bool:
    """Whether an issuer of this name inspects TLS."""
    issuer = issuer.lower()
    return any(name in issuer for name in INSPECTORS)


def _server_certificate(hand: Handshake, leaf: Certificate, trusted: bool, at: Where, said: list[Output]) -> None:
    link = hand.link
    if leaf.weaknesses:
        text = f'The certificate of "{leaf.subject_text}" has {" and ".join(leaf.weaknesses)}.'
        said.append(Finding("tls.cert-weak", text, at))
    if not trusted and inspects(leaf.issuer_text):
        text = f'The certificate of "{leaf.subject_text}" is issued by "{leaf.issuer_text}", no public authority.'
        said.append(Finding("tls.cert-intercepted", text, at, limits="Concluded from the issuer's name alone."))
    hello = link.hello
    if hello is not None and hello.server_name is None and leaf.dns_names and not leaf.addresses:
        shown = sorted(leaf.dns_names)
        text = f"The ClientHello has no server_name; the certificate is for {wording.listed(shown, 3)}, for no address."
        said.append(Finding("tls.cert-default-vhost", text, places(link, at)))


def is_address(name: str) -> bool:
    """Whether `name` is an IPv4 or IPv6 address."""
    return ":" in name or name.replace(".", "").isdigit()


def on_status(hand: Handshake, at: Where) -> Outputs:
    """A stapled OCSP response may say that the certificate is revoked."""
    status = hand.link.ocsp
    if status is not None and status.get("certificate_status") == "revoked":
        leaf = hand.link.chains[1][0].subject_text if hand.link.chains[1] else "the server"
        since = f" since {status['revoked_at']}" if status.get("revoked_at") else ""
        text = f'The staple for the certificate of "{leaf}", made at {status.get("this_update")}, says: revoked{since}.'
        yield Finding("tls.certificate-revoked", text, at)


# --- alerts -----------------------------------------------------------------------------------------------------------


def alert_verdict(link: Link, sender: Side, description: int) -> str:
    title = FINDINGS[ALERT_CODES.get(description, OTHER_ALERT)].title
    return f"The {side(link, sender)} gives up: {title[0].lower()}{title[1:]}."


def on_alert(hand: Handshake, sender: Side, level: int, description: int, at: Piece) -> Finding | None:
    """The verdict of an alert that is an error: who sent it, when, and what both sides wanted."""
    link = hand.link
    if description == USER_CANCELED:
        return None
    if level == messages.WARNING and (description in WARNING_ALERTS or not link.is_13):
        return None
    who = side(link, sender)
    did = "broke off the connection" if link.done_ns and description not in REFUSALS else "refused the handshake"
    said = f"The {who} {did}: {messages.alert_words(level, description)}{after(link, at.time_ns)}."
    advice = ""
    if description in CERTIFICATE_ALERTS:
        detail, cause, advice = _refused_certificate(hand, sender, description, at.time_ns)
    else:
        detail, cause = _detail(hand, sender, description)
    text = f"{said}{'' if detail.startswith(chr(10)) else ' '}{detail}" if detail else said
    code = ALERT_CODES.get(description, OTHER_ALERT)
    return Finding(code, text, places(link, link.server_at, at.place), cause=cause, advice=advice)


def _detail(hand: Handshake, sender: Side, description: int) -> tuple[str, str]:
    """What there is to say of an alert beyond its name, and its likeliest cause ("" where the table has it)."""
    link = hand.link
    hello, who = link.hello, side(link, sender)
    if hello is None:
        return "", ""
    if description in (HANDSHAKE_FAILURE, 71):
        cause = _no_overlap(link, who) if description == HANDSHAKE_FAILURE or link.answer is not None else ""
        return rows(offered(link), _answered(link)), cause
    if description == PROTOCOL_VERSION:
        return _versions(link, who)
    if description == 120:
        return _protocols(hand)
    if description == 112:
        return _unknown_name(hello.server_name)
    if description == CERTIFICATE_REQUIRED:
        return _certificate_wanted(link)
    if description == 51:
        return _not_verified(link, who)
    if description == 86:
        return f"The client offered {wording.versions(hello.versions)} and says that it fell back to that.", ""
    if link.done_ns:
        return "", ""
    if who == "server" and link.answer is None and description in SYNTAX_ALERTS:
        said = (
            f"It is the answer to a ClientHello of {link.hello_bytes:,} bytes with {len(hello.types)} extensions, for "
            f"{wording.versions(hello.versions)}."
        )
        cause = (
            "The server does not bear something in the ClientHello: its size, a version, an extension or a value that "
            "it does not know (intolerance). Less likely the client sent nonsense."
        )
        return said, cause
    return (
        f"The server had chosen {wording.server_hello(link.answer, bool(link.resumed))}." if link.answer else "",
        "",
    )


def _answered(link: Link) -> tuple[str, list[str]]:
    """What the server chose of what was offered, beside its label."""
    if link.answer is None:
        return SERVER_OFFERED, [NOTHING]
    return SERVER_CHOSE, [wording.server_hello(link.answer, bool(link.resumed))]


def _versions(link: Link, who: str) -> tuple[str, str]:
    """Which versions an alert protocol_version is about."""
    hello = link.hello
    assert hello is not None
    found = hello.versions
    wanted = (CLIENT_OFFERED, [wording.versions(found)])
    if link.answer is not None:
        text = rows(wanted, (SERVER_CHOSE, [names.version_name(link.version)]))
        if SUPPORTED_VERSIONS in hello.values or who == "server":
            return text, ""
        return (
            f"{text}\nA hello up to TLS 1.2 names only the highest version, not the lowest that the client takes.",
            f"The client takes nothing as old as {names.version_name(link.version)}, and the server has nothing newer.",
        )
    text = rows(wanted, (SERVER_OFFERED, [NOTHING])) if who == "server" else rows(wanted)
    if all(is_13(version) for version in found):
        return text, "The server does not speak TLS 1.3: it is older than that, or has it turned off."
    best = max(found)
    if best < TLS12:
        return text, f"The server wants TLS 1.2 or newer; {names.version_name(best)} is the most that the client has."
    if best == TLS12:
        return text, "The server takes TLS 1.3 only, which the client does not have or has turned off."
    return text, "The server takes older versions only, or can't bear a hello of TLS 1.3 (intolerance)."


def _protocols(hand: Handshake) -> tuple[str, str]:
    """Both lists of application protocols, as far as the capture has them."""
    hello = hand.link.hello
    assert hello is not None
    wanted = wording.listed(wording.protocols(hello.alpn)) or "none"
    return rows((CLIENT_OFFERED, [wanted]), (SERVER_OFFERED, [NOTHING])), ""


def _unknown_name(name: str | None) -> tuple[str, str]:
    if name is None:
        return "The client named no server.", "The server insists on a name, and the client sends none."
    return f'The client asked for "{name[: wording.MAX_NAME_CHARACTERS]}".', ""


def _certificate_wanted(link: Link) -> tuple[str, str]:
    asked = f" ({where(link.request_at)})" if link.request_at is not None else ""
    if link.chains[0]:
        return f"The client had sent the certificate of {link.chains[0][0].subject_text}.", ""
    if not asked:
        return "That it asked for one can't be seen in this capture.", ""
    return f"It had asked for a certificate{asked}; the client answered with an empty list.", ""


def _not_verified(link: Link, who: str) -> tuple[str, str]:
    """What it is that the sender of decrypt_error could not verify."""
    hello = link.hello
    assert hello is not None
    if who == "server" and link.answer is None and PRE_SHARED_KEY in hello.values:
        return (
            "The ClientHello has a pre-shared key; its binder is the only thing in it that can fail.",
            "The two sides have different pre-shared keys under the same identity.",
        )
    if who == "client" and not link.resumed and link.answer is not None:
        return (
            f"What it could verify is the server's signature{_of(link)} and Finished.",
            "The server's private key does not belong to its certificate, or something between changed the handshake.",
        )
    return "", ""


def _of(link: Link) -> str:
    return f" (certificate of {link.chains[1][0].subject_text})" if link.chains[1] else ""


def _no_overlap(link: Link, who: str) -> str:
    """Why one side may have found nothing to agree on, the likeliest first."""
    hello = link.hello
    assert hello is not None
    if link.answer is not None:
        return _refused_choice(link) if who == "client" else _refused_client(link)
    if who != "server":
        return ""
    old = [name for name in wording.named_suites(hello.suites) if "_WITH_" in name]
    has_13 = any(is_13(version) for version in hello.versions)
    said: list[str] = []
    kinds = {part for name in old for part in ("ECDSA", "RSA") if f"_{part}_" in name}
    if old and not has_13 and all(unsafe(value) for value in hello.suites if value not in SIGNALS):
        said.append(
            "All suites of the client are without encryption, without authentication or broken: servers have them "
            "turned off."
        )
    elif old and len(kinds) == 1 and len(old) <= 4:
        few = "the one suite" if len(old) == 1 else f"each of the {len(old)} suites"
        said.append(
            f"It shares no cipher suite with the client: {few} for TLS 1.2 and older needs an {next(iter(kinds))} "
            "certificate" + (", and if the server does not speak TLS 1.3, that is all there is." if has_13 else ".")
        )
    elif old and not has_13 and all(name.startswith(("TLS_RSA_WITH_", "TLS_DHE_")) for name in old):
        said.append(
            "It shares no cipher suite with the client: the client has none with ECDHE, and servers of today take "
            "little else."
        )
    elif not old and has_13:
        said.append("The client offers suites of TLS 1.3 only, and the server does not speak it or has none of them.")
    elif hello.server_name is None:
        said.append(
            "The client names no server (no server_name): machines that serve many names often refuse that. Else it "
            "shares no cipher suite with the client."
        )
    else:
        said.append("It shares no cipher suite with the client.")
    schemes = wording.named_schemes(hello.numbers(SIGNATURE_ALGORITHMS))
    said.append(
        "Less likely: no common group"
        + (f", no common signature algorithm (the client takes {wording.listed(schemes, 4)})" if schemes else "")
        + "."
    )
    return " ".join(said)


def _refused_client(link: Link) -> str:
    """Why a server that had chosen refuses after all."""
    if link.certificate_requested and not link.chains[0]:
        return (
            "It wants a client certificate and got none: up to TLS 1.2 many servers say so by handshake_failure. Less "
            "likely: a key exchange of the client that it does not take."
        )
    return "Versions and suites agree: what it refuses is the client's certificate, signature or key exchange."


def _refused_choice(link: Link) -> str:
    """Why a client refuses what the server chose of its own offer."""
    said: list[str] = []
    if not link.is_13 and link.answer is not None and RENEGOTIATION_INFO not in link.answer.values:
        said.append(
            "The ServerHello has no renegotiation_info: many clients (OpenSSL 3 among them) refuse a server without "
            "secure renegotiation."
        )
    if 0 < link.key_bits < SAFE_GROUP_BITS:
        said.append(
            f"The server's Diffie-Hellman group has {link.key_bits:,} bits, fewer than many clients take "
            f"({SAFE_GROUP_BITS:,})."
        )
    key = link.chains[1][0].fields.get("public_key") if link.chains[1] else None
    if isinstance(key, dict) and key.get("type"):
        said.append(f"{'Or t' if said else 'T'}he certificate's key ({wording.key_words(key)}) or its signatures.")
    return " ".join(said) or "Something that the server chose lies below what the client's policy allows."


def _refused_certificate(hand: Handshake, sender: Side, description: int, at_ns: int) -> tuple[str, str, str]:
    """The certificate that was refused, what is wrong with it as far as can be told, and what to do."""
    link = hand.link
    by_server = sender is link.client  # whose certificate it is about
    chain = link.chains[1 if by_server else 0]
    whose, who = ("server", "client") if by_server else ("client", "server")
    if not chain:
        why = "is encrypted: a key log (--keylog) would show it" if link.is_13 else "is not in this capture"
        return f"The {whose}'s certificate, which it refuses, {why}.", "", ""
    leaf = chain[0]
    it = ("It refuses", [f"the {whose}'s certificate: {leaf.subject_text}, by {leaf.issuer_text}"])
    if description == UNSUPPORTED_CERTIFICATE:
        return rows(it, ("What it is", [_made_of(leaf)])), "", ""
    matter = ALERT_PROBLEMS.get(description)
    if matter is not None and not matter:
        return f"It refuses {it[1][0]}.", "", ""
    verdict = judged(hand, chain, by_server, at_ns)
    problems = [problem for problem in verdict.problems if matter is None or problem.reason in matter]
    if problems:
        cause = CERTIFICATE_CAUSES.get(problems[0].reason, "")
        advice = FINDINGS["tls.cert-incomplete-chain"].advice if problems[0].reason == "incomplete-chain" else ""
        wrong = ("What is wrong", [problem.text for problem in problems[:2]])
        return rows(it, wrong), cause.format(issuer=leaf.issuer_text, who=who), advice
    if description == CERTIFICATE_EXPIRED:
        dates = f"valid from {leaf.fields.get('not_before')} to {leaf.fields.get('not_after')}, so also when captured"
        return (
            rows(it, ("What is wrong", [f"nothing as seen from here: it is {dates}"])),
            f"The clock of the {who} is wrong, or another certificate of the chain has expired.",
            "",
        )
    where_to = f": {verdict.text}" if verdict.trusted else ""
    return (
        rows(it, ("What is wrong", [f"nothing of that kind, as seen from here{where_to}"])),
        f"The {who} has another list of roots (an old one, or its own), or pins a certificate.",
        "",
    )


def _made_of(leaf: Certificate) -> str:
    """The key of a certificate and what it may be used for."""
    key = leaf.fields.get("public_key")
    said = wording.key_words(key) if isinstance(key, dict) else "a key that can't be read"
    usages = [*(leaf.key_usage or ()), *(leaf.extended_key_usage or ())]
    signed = leaf.fields.get("signature_algorithm")
    return f"its key is {said}, signed with {signed}, for {wording.listed(usages, 4) or 'any use'}"


def judged(hand: Handshake, chain: list[Certificate], by_server: bool, at_ns: int) -> Verdict:
    """What is thought of a chain as of the time it was sent."""
    hello = hand.keys.accepted or hand.link.hello
    name = hello.server_name if by_server and hello is not None else None
    try:
        anchors = trust.roots(hand.shared.roots)
    except ValueError:
        anchors = trust.roots(None)
    return trust.verify(chain, name, at_ns, anchors, as_client=not by_server)


def unreadable_alert(hand: Handshake, sender: Side, at: Piece, why: str) -> Finding:
    link = hand.link
    text = (
        f"The {side(link, sender)} sent an encrypted alert{after(link, at.time_ns)}, in place of its Finished: "
        "it refuses the handshake."
    )
    text += f" Which alert it is can't be read: {why or hand.keys.why}."
    limits = "That it is an alert is concluded from the size of the record and its place."
    return Finding("tls.alert-unreadable", text, places(link, link.server_at, at.place), limits=limits)


# --- once it is established -------------------------------------------------------------------------------------------


def round_trips(link: Link) -> int | None:
    """How many round trips the handshake took before the client could send: RFC 9846 §2, RFC 5246 §7.3."""
    if link.hello is None or link.answer is None:
        return None
    if is_13(link.version):
        return 1 + link.retries
    return 1 if link.resumed else 2


def on_established(hand: Handshake) -> Outputs:
    link = hand.link
    hello, answer = link.hello, link.answer
    found: list[Output] = []
    if hello is None or answer is None:
        return found
    at = link.server_at
    wanted = PRE_SHARED_KEY in hello.values if is_13(link.version) else bool(hello.ticket)
    if wanted and link.resumed is False and not link.renegotiations:
        what = "the pre-shared key of an earlier session" if is_13(link.version) else "a session ticket"
        cost = "" if is_13(link.version) else ", which costs a round trip"
        text = f"The client offered {what}; the server made a full handshake{cost}."
        found.append(Finding("tls.resumption-refused", text, places(link, at)))
    if link.early == REJECTED:
        text = "The client sent early data; the server's answer does not take it, so the client has to send it again."
        found.append(Finding("tls.early-data-rejected", text, places(link, at)))
    chain = link.chains[1]
    if chain and chain[0].must_staple and link.ocsp is None and STATUS_REQUEST in hello.values:
        text = (
            f"The certificate of {chain[0].subject_text} has the extension TLS feature (status_request), and the "
            "client asked for a status; no OCSP response came with it."
        )
        found.append(Finding("tls.ocsp-must-staple-missing", text, places(link, at)))
    return found


# --- at the end -------------------------------------------------------------------------------------------------------


def ended(flow: Flow | None) -> tuple[str, Side | None]:
    """How the end of TCP began ("fin", "rst" or "") and by which side, by the history of the flow."""
    tcp = None if flow is None else flow.tcp
    if tcp is None or tcp.end is None:
        return "", None
    for letter in tcp.history:
        if letter in "FfRr":
            return "fin" if letter in "Ff" else "rst", Side.INITIATOR if letter in "FR" else Side.RESPONDER
    return tcp.end, None


def outcome(tls: Tls) -> Outcome | None:
    """How the handshake ended, where nothing said so while it went on."""
    link, flow = tls.link, tls.flow
    end, _ = ended(flow)
    if link.hello is None and not link.done_ns:
        return Outcome.PARTIAL
    if link.done_ns:
        return Outcome.ESTABLISHED
    server = tls.halves[link.server]
    if tls.halves[link.client].data_bytes and server.data_bytes:
        return Outcome.ESTABLISHED  # both send data: they are through, whatever the capture lacks
    lacking = any(half.lost for half in tls.halves) or one_sided(flow)
    if lacking:
        return Outcome.PARTIAL
    if not server.records:
        silent = tls.end_ns - (link.hello_at.time_ns if link.hello_at is not None else tls.end_ns) >= SILENCE_NS
        if end == "rst":
            return Outcome.FAILED
        return Outcome.UNANSWERED if end or silent else Outcome.OPEN
    if end:
        return Outcome.FAILED
    return Outcome.OPEN


def one_sided(flow: Flow | None) -> bool:
    """Whether the capture has the packets of one side only."""
    return flow is not None and sum(flow.packets) > 0 and 0 in flow.packets


def at_end(tls: Tls, last: Where) -> Outputs:
    link, flow = tls.link, tls.flow
    found: list[Output] = list(_key_log(tls))
    if link.hello is None or tls.failed:
        found.extend(_timing(tls))
        return found
    end, by = ended(flow)
    lacking = any(half.lost for half in tls.halves) or one_sided(flow)
    server = tls.halves[link.server]
    if not server.records and not (flow is not None and flow.tcp is not None and flow.tcp.payload_bytes[link.server]):
        if not lacking:
            found.extend(_unanswered(tls, end, by))
    elif not link.done_ns and not (tls.halves[link.client].data_bytes and server.data_bytes):
        if not lacking:
            found.extend(_broken_off(tls, end, by, last))
    elif refuses_unread(tls):
        found.append(_certificate_refused_unread(tls, last))
    else:
        if end and (tls.end_alert is None or by is not tls.end_alert[0]):
            found.extend(_truncated(tls, end, by, last))
        elif tls.end_alert is not None:
            sender, alert = tls.end_alert
            refused = on_alert(tls.hand, sender, messages.FATAL, 50, alert)
            if refused is not None:
                found.append(refused)
    found.extend(_timing(tls))
    return found


def refuses_unread(tls: Tls) -> bool:
    """Whether all that the server had to say to a client without a certificate was one record of an alert's size."""
    link = tls.link
    client, server = tls.halves[link.client], tls.halves[link.server]
    if not tls.no_certificate or server.opener is not None or not ended(tls.flow)[0]:
        return False
    # A client that closes first ends with a record of that size, and an orderly answer looks the same.
    return server.data_bytes == server.last_size == ALERT_RECORD_BYTES != client.last_size


def _certificate_refused_unread(tls: Tls, last: Where) -> Finding:
    link = tls.link
    text = (
        "The client sent an empty Certificate before its Finished, so the server had asked for one. All that the "
        "server answered is one encrypted record of an alert's size; then the connection ended"
        f"{after(link, last.time_ns)}."
    )
    return Finding(
        "tls.alert-unreadable",
        text,
        places(link, last),
        cause="The alert is certificate_required (116): the server insists on a client certificate.",
        advice="Give the client a certificate from an issuer that the server trusts, or make it optional on the "
        "server; a key log (--keylog) shows which alert it was.",
        limits="Concluded from the sizes of encrypted records: it may have been close_notify.",
    )


def _unanswered(tls: Tls, end: str, by: Side | None) -> Outputs:
    link, flow = tls.link, tls.flow
    assert link.hello_at is not None
    waited = tls.end_ns - link.hello_at.time_ns
    if not end and waited < SILENCE_NS:
        return
    if end and flow is not None:
        waited = flow.last_ns - link.hello_at.time_ns
    if end and by is not None:
        who = side(link, by)
        what = "RST" if end == "rst" else "FIN"
        how = f"the {who} ended the connection ({what}), and all was over after {wording.duration(waited)}"
    else:
        how = f"nothing came for {waited / 1e9:.1f} s"
    tcp = None if flow is None else flow.tcp
    client = link.client
    name = link.hello.server_name if link.hello is not None else None
    said = f"ClientHello of {link.hello_bytes:,} bytes{f' for {name}' if name else ''}: no TLS came back; {how}."
    limits = cause = ""
    if tcp is not None:
        again = tcp.retransmits[client]
        if again:
            times = wording.count(again, "time")
            said += f" The client's segments were sent again {times}: the path may lose them."
        elif acknowledged(tcp.history, client):
            said += " TCP acknowledged it: it arrived at the server's machine, or at a box that speaks for it."
            limits = "An ACK tells that the operating system has the bytes, not that the server process read them."
        elif end != "rst":
            said += " Nothing acknowledged it: it may not have arrived."
        if end == "rst" and by is not client:
            cause = (
                "A filter on the path that looks at the ClientHello (server name, size) and resets, or a server "
                "process that crashed or does not speak TLS on this port."
            )
    yield Finding("tls.no-server-hello", said, link.hello_at, cause=cause, limits=limits)


def acknowledged(history: str, client: Side) -> bool:
    """Whether the other side sent anything after the client's first data: all that has an ACK."""
    _, _, rest = (history if client is Side.INITIATOR else history.swapcase()).partition("D")
    return any(letter in "adf" for letter in rest)


def _broken_off(tls: Tls, end: str, by: Side | None, last: Where) -> Outputs:
    link = tls.link
    turn = _turn(tls)
    if end and by is not None:
        who = side(link, by)
        how = "with RST" if end == "rst" else "with FIN"
        what = "without an alert"
        if link.alerts:
            what = f"after the alert {messages.alert_words(*link.alerts[-1][1:3])}"
        elif any(half.closed for half in tls.halves):
            what = "after close_notify"
        text = f"The {who} ended the connection {how}{after(link, last.time_ns)}, {what}. {turn}"
        cause = ""
        if any(alert[2] == USER_CANCELED for alert in link.alerts):
            cause = "The application or its user stopped; nothing is wrong with TLS."
        elif who == "client" and link.chains[1]:
            cause = (
                "A client that leaves after the server's certificate mostly does not accept it (some send no alert); "
                "less likely it was stopped, or lost interest."
            )
        yield Finding("tls.handshake-broken-off", text, places(link, link.server_at, last), cause=cause)
    elif tls.end_ns - last.time_ns >= SILENCE_NS:
        text = f"After the last record nothing came for {(tls.end_ns - last.time_ns) / 1e9:.1f} s. {turn}"
        yield Finding("tls.handshake-stalled", text, places(link, link.server_at, last))


def _turn(tls: Tls) -> str:
    """Whose turn it was."""
    link = tls.link
    client, server = tls.halves[link.client], tls.halves[link.server]
    if link.answer is None:
        if link.retries and link.hellos <= link.retries:
            return "It was the client's turn: the server had asked for another ClientHello."
        flow = tls.flow
        came = flow.tcp.payload_bytes[link.server] if flow is not None and flow.tcp is not None else 0
        part = f": {came:,} bytes had come of it, no whole record" if came and not server.records else ""
        return f"It was the server's turn, the ServerHello had not come{part}."
    if client.finished or (client.state != CLEAR and not link.is_13):
        return "It was the server's turn: the client was through."
    if server.finished or link.server_hello_done:
        return "It was the client's turn: the server had sent its part."
    return "It was the server's turn: its part was not complete."


def _truncated(tls: Tls, end: str, by: Side | None, last: Where) -> Outputs:
    """TCP ended, and the side that ended it had not said close_notify."""
    link = tls.link
    if by is None or any(half.closed or half.lost for half in tls.halves):
        return ()
    half = tls.halves[by]
    if half.opener is None and half.state != 0 and link.is_13 and half.last_size <= 24:
        return ()  # encrypted, and of the size of an alert
    who = side(link, by)
    what = "RST" if end == "rst" else "FIN"
    sent = [tls.halves[one].data_bytes for one in (link.client, link.server)]
    if not any(sent):
        return ()  # nothing that could have been cut
    text = (
        f"The {who} ended the connection ({what}) without close_notify, after {wording.digits(sent[0])} bytes of data "
        f"by the client and {wording.digits(sent[1])} by the server."
    )
    if tls.end_alert is not None:
        text += (
            f" The {side(link, tls.end_alert[0])} answered with the alert decode_error: it had expected close_notify."
        )
    return (Finding("tls.truncated-close", text, last),)


def _key_log(tls: Tls) -> Outputs:
    """There were secrets, and not for this connection, or not the right ones."""
    hand, link = tls.hand, tls.link
    secrets = hand.shared.secrets
    if not tls.unopened or link.hello_at is None or not secrets.given:
        return ()
    why = tls.closed_why or hand.keys.why
    if hand.keys.lines() is None:
        if secrets.lines and first_time(hand.shared, b"no-match " + link.client_random):
            text = f"{tls.unopened:,} encrypted records stay closed: {why}."
            return (Finding("tls.keylog-no-match", text, link.hello_at),)
        return ()
    text = f"{why[:1].upper()}{why[1:]}."
    if "don't fit" in why:
        return (Finding("tls.keylog-wrong", text, places(link, tls.closed_at)),)
    if "damaged" in why:
        return (Finding("tls.record-damaged", text, places(link, tls.closed_at)),)
    return ()


def think_ns(link: Link, tcp: TcpSummary | None) -> int | None:
    """How long the server took between the ClientHello and its answer, without the way there and back."""
    first = link.retry_at or link.server_at
    if link.hello_at is None or first is None or tcp is None or tcp.initial_rtt_ns is None:
        return None
    # Where the capture was made at the server, the way is in neither: the SYN's answer took it no time.
    return max(first.time_ns - link.hello_at.time_ns - tcp.initial_rtt_ns, 0)


def _timing(tls: Tls) -> Outputs:
    found: list[Output] = []
    link, flow = tls.link, tls.flow
    tcp = None if flow is None else flow.tcp
    thought = think_ns(link, tcp)
    first = link.retry_at or link.server_at
    if thought is not None and thought >= THINK_NS and first is not None and tcp is not None:
        took = wording.duration(first.time_ns - (link.hello_at or first).time_ns)
        text = (
            f"The answer came {took} after the ClientHello; the round trip takes "
            f"{wording.duration(tcp.initial_rtt_ns or 0)} of that, the server the rest."
        )
        limits = "A lost and repeated segment looks the same from here." if sum(tcp.retransmits) else ""
        found.append(Finding("tls.server-think-time", text, places(link, first), limits=limits))
    stalled = _stalled(tls)
    if stalled is not None and tcp is not None:
        sent, waited, at = stalled
        mss = tcp.mss[link.client] or DEFAULT_MSS
        text = (
            f"The server's flight has {tls.flight.bytes:,} bytes; after {sent:,} it stopped for "
            f"{wording.duration(waited)} (a round trip takes {wording.duration(tcp.initial_rtt_ns or 0)}). The first "
            f"window is {INITIAL_WINDOW_SEGMENTS} segments of {mss:,} bytes, {INITIAL_WINDOW_SEGMENTS * mss:,} in all."
        )
        found.append(Finding("tls.server-flight-exceeds-initcwnd", text, places(link, at)))
    return found


def _stalled(tls: Tls) -> tuple[int, int, Where] | None:
    """Where the server's first window was full before its flight was over: bytes before, how long, what came then."""
    tcp = None if tls.flow is None else tls.flow.tcp
    if tls.flight.stall is None or tcp is None or tcp.initial_rtt_ns is None:
        return None
    sent, waited, at = tls.flight.stall
    window = INITIAL_WINDOW_SEGMENTS * (tcp.mss[tls.link.client] or DEFAULT_MSS)
    trip = tcp.initial_rtt_ns
    # Longer than some round trips it was not the client's ACK that it waited for.
    if trip < LEAST_STALL_NS or not trip * STALL_SHARE <= waited <= trip * MOST_STALL:
        return None
    return (sent, waited, at) if window * WINDOW_SHARES[0] <= sent <= window * WINDOW_SHARES[1] else None


# --- facts ------------------------------------------------------------------------------------------------------------


def facts(tls: Tls) -> dict[str, Value]:
    """What a person wants to know of the connection, by name."""
    link, flow = tls.link, tls.flow
    found: dict[str, Value] = {}
    if link.version:
        found["tls_version"] = names.version_name(link.version)
    if link.suite_value:
        found["cipher_suite"] = names.suite_name(link.suite_value)
    if link.group is not None:
        found["group"] = names.group_words(link.group)
    elif link.key_bits:
        found["group"] = f"finite field, {link.key_bits} bits"
    if link.scheme is not None:
        found["signature_algorithm"] = names.scheme_name(link.scheme)
    if link.alpn is not None:
        found["alpn"] = link.alpn
    if link.resumed is not None:
        found["resumed"] = link.resumed
    if link.early != NOT_OFFERED:
        found["early_data"] = {OFFERED: "offered", ACCEPTED: "accepted", REJECTED: "rejected"}[link.early]
    if link.ech_offered:
        found["ech"] = _ech(tls)
        if link.inner is not None and link.inner.server_name is not None:
            found["ech_inner_server_name"] = link.inner.server_name
    if link.certificate_requested:
        found["client_certificate"] = link.chains[0][0].subject_text if link.chains[0] else "none"
    if link.chains[1]:
        leaf = link.chains[1][0]
        found["certificate"] = {
            "subject": leaf.subject_text,
            "issuer": leaf.issuer_text,
            "not_after": leaf.fields.get("not_after"),
            "sha256": leaf.sha256,
        }
    trips = round_trips(link) if link.done_ns else None
    if trips is not None:
        found["round_trips"] = trips
        saved = _saved(tls)
        if saved:
            found["round_trips_avoidable"] = saved
    if link.hello_at is not None:
        found["client_hello_bytes"] = link.hello_bytes
        found["client_hello_frame"] = link.hello_at.frames[-1] if link.hello_at.frames else 0
        if link.server_at is not None:
            found["hello_to_hello_ns"] = link.server_at.time_ns - link.hello_at.time_ns
        if link.done_ns and not link.renegotiations:
            found["handshake_ns"] = link.done_ns - link.hello_at.time_ns
    tcp = None if flow is None else flow.tcp
    if tcp is not None and tcp.initial_rtt_ns is not None:
        found["tcp_round_trip_ns"] = tcp.initial_rtt_ns
        thought = think_ns(link, tcp)
        if thought is not None:
            found["server_think_ns"] = thought
    if tls.flight.bytes:
        found["server_flight_bytes"] = tls.flight.bytes
    if tls.opened or tls.unopened:
        found["decrypted"] = tls.unopened == 0
        if tls.unopened:
            found["encrypted_records"] = tls.unopened
            found["not_decrypted_because"] = tls.closed_why or tls.hand.keys.why
        found["data_bytes"] = [half.data_bytes for half in tls.halves]
    return found


def _ech(tls: Tls) -> str:
    """What became of the encrypted hello.  From outside a real one and GREASE look alike (RFC 9849 §6.2).

    What tells is an alert, the secret that opens it, or a client that goes on although it was not taken (§6.1.6).
    """
    link = tls.link
    if any(description == ECH_REQUIRED for _, _, description, _ in link.alerts):
        return "rejected"
    lines = tls.hand.shared.secrets.lines
    if link.inner is not None:
        return "accepted" if tls.hand.keys.accepted is not None else "real, and not accepted"
    outer_keys = link.is_13 and tls.opened > 0 and link.client_random in lines
    if link.done_ns and tls.halves[link.client].data_bytes and (outer_keys or (link.version and not link.is_13)):
        return "GREASE"
    return "offered, or GREASE"


def hidden_title(hand: Handshake) -> str | None:
    """What the session is called where its true name was in an encrypted hello; None where nothing was hidden."""
    inner, outer = hand.keys.accepted, hand.link.hello
    if inner is None or outer is None or inner.server_name is None:
        return None
    name, shown = (str(one)[: wording.MAX_NAME_CHARACTERS] for one in (inner.server_name, outer.server_name))
    return f"{name}, hidden by ECH behind {shown}"


def _saved(tls: Tls) -> list[str]:
    """What would have saved a round trip each."""
    link = tls.link
    said: list[str] = []
    if link.retries:
        said.append("a key share of the group that the server takes")
    if not is_13(link.version) and not link.resumed:
        said.append("TLS 1.3, or resuming a session")
    if _stalled(tls) is not None:
        said.append("a shorter chain of certificates")
    return said
