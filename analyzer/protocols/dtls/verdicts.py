"""What is concluded of a DTLS connection: findings with their evidence, the outcome, and the facts of its session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from analyzer.core import Finding, Outcome, Place, Side, Value
from analyzer.protocols.tls import messages, names, wording
from analyzer.protocols.tls.findings import ALERT_CODES, FINDINGS, OTHER_ALERT
from analyzer.protocols.tls.messages import DTLS10, SUPPORTED_GROUPS, is_13

if TYPE_CHECKING:
    from analyzer.core import Flow, Outputs
    from analyzer.protocols.dtls.association import Association
    from analyzer.protocols.tls.certificates import Certificate
    from analyzer.protocols.tls.state import Link, Where

DTLS_BAD: Final = 0x0100
#: Without an answer for so long, somebody has to look.
SILENCE_NS: Final = 3_000_000_000
#: What comes again sooner was not sent again by a timer: browsers' first is of 50 ms.
COPY_NS: Final = 40_000_000
LONG_SECONDS: Final = 600
SIDE_NAMES: Final = ("initiator", "responder")


def side(link: Link, sender: Side) -> str:
    return "client" if sender is link.client else "server"


def code_of(code: str) -> str:
    """The finding that DTLS has in the place of one of TLS."""
    return f"dtls.{code.removeprefix('tls.')}"


def places(link: Link, *more: Where | None) -> list[Where]:
    """Evidence: the ClientHello, and what else there is."""
    return [place for place in (link.hello_at, *more) if place is not None]


def places_of(one: Association, at: Place) -> list[Place]:
    """The first ClientHello, and where that of the other side was."""
    return [*one.hellos[:1], at]


def hidden(link: Link, sender: Side) -> str:
    """What an encrypted part of a handshake must be, by its place."""
    if not is_13(link.version):
        return "a handshake message" if link.done_ns else "Finished"
    if sender is link.client:
        return "the client's part of the handshake, up to Finished"
    if link.resumed:
        return "EncryptedExtensions and Finished"
    return "EncryptedExtensions, Certificate, CertificateVerify and Finished"


# --- while it happens -------------------------------------------------------------------------------------------------


def on_version(link: Link) -> Outputs:
    if link.version not in (DTLS10, DTLS_BAD):
        return
    hello, chosen = link.hello, names.version_name(link.version)
    text = f"The server chose {chosen}"
    if hello is not None:
        offered = wording.versions(hello.versions)
        text += "; the client offered nothing newer" if offered == chosen else f"; the client offered {offered}"
    found = Finding("dtls.version-old", f"{text}.", places(link, link.server_at))
    found.title = f"{chosen} was negotiated, which must not be used any more"
    yield found


def alert_verdict(link: Link, sender: Side, description: int) -> str:
    title = FINDINGS[ALERT_CODES.get(description, OTHER_ALERT)].title
    return f"The {side(link, sender)} gives up: {title[0].lower()}{title[1:]}."


def on_alert(link: Link, sender: Side, level: int, description: int, at: Place) -> Finding:
    """The verdict of a fatal alert: who sent it, when, and what was on the table."""
    who = side(link, sender)
    during = "the connection" if link.done_ns else "the handshake"
    when = ""
    if link.hello_at is not None:
        when = f", {wording.duration(max(at.time_ns - link.hello_at.time_ns, 0))} after the ClientHello"
    said = [f"The {who} refused {during}: {messages.alert_words(level, description)}{when}."]
    if not link.done_ns:
        said.extend(_table(link, sender, description))
    code = code_of(ALERT_CODES.get(description, OTHER_ALERT))
    return Finding(code, " ".join(said), places(link, link.server_at if link.answer is not None else None, at))


def _table(link: Link, sender: Side, description: int) -> list[str]:
    """What an alert can be about."""
    hello = link.hello
    if description in (42, 43, 44, 45, 46, 48, 49, 51):
        chain = link.chains[1 if sender is link.client else 0]
        if chain:
            return [f"Its peer's certificate is {chain[0].subject_text}, issued by {chain[0].issuer_text}."]
        return ["Its peer's certificate is not in the capture, or encrypted."]
    if hello is None:
        return []
    if description == 112:
        return [f"The client asked for {hello.server_name or 'no name'}."]
    if description == 120:
        return [f"The client offered {wording.listed(wording.protocols(hello.alpn)) or 'none'}."]
    parts = [wording.versions(hello.versions), wording.listed(wording.named_suites(hello.suites), 5)]
    groups = wording.named_groups(hello.numbers(SUPPORTED_GROUPS))
    if groups:
        parts.append(f"groups {wording.listed(groups, 6)}")
    return [f"The client offered {'; '.join(parts)}."]


def in_stun(count: int, first: Place) -> Finding:
    many = "A datagram" if count == 1 else f"{count} datagrams"
    text = f"{many} of the handshake went along with connectivity checks, in an attribute META-DTLS-IN-STUN."
    return Finding("dtls.in-stun", text, first)


# --- at the end -------------------------------------------------------------------------------------------------------


def round_trips(one: Association) -> int | None:
    """Round trips until the client could send: RFC 9147 §5.7, RFC 6347 §4.2.4."""
    link = one.link
    if link.hello is None or link.answer is None:
        return None
    if is_13(link.version):
        return 1 + link.retries
    return (1 if link.resumed else 2) + (1 if one.cookies else 0)


def unanswered(one: Association, end_ns: int) -> bool:
    """Whether nothing came back to the ClientHello, for long enough, and the client itself did not go on."""
    link = one.link
    client, server = one.halves[link.client], one.halves[link.server]
    if link.hello_at is None or server.records or client.protected or len(client.told) > 1 or one.failed:
        return False
    return end_ns - link.hello_at.time_ns >= SILENCE_NS


def outcome(one: Association, end_ns: int) -> Outcome:
    """How the handshake ended, where nothing said so while it went on."""
    link = one.link
    if link.hello is None:
        return Outcome.PARTIAL
    if unanswered(one, end_ns):
        return Outcome.UNANSWERED
    client, server = one.halves[link.client], one.halves[link.server]
    if not server.records and (client.protected or len(client.told) > 1):
        return Outcome.PARTIAL  # the client went on, so it had answers that the capture lacks
    return Outcome.OPEN


def at_end(one: Association, end_ns: int, flow: Flow | None) -> Outputs:
    link = one.link
    if not unanswered(one, end_ns) or link.hello_at is None:
        return
    first = link.hello_at.time_ns
    late = [place.time_ns - first for place in one.hellos[1:8]]
    times = [f"{after / 1e9:.1f}" for after in late if after >= COPY_NS]
    seconds = (end_ns - first) / 1e9
    waited = f"for {seconds:.1f} s" if seconds < LONG_SECONDS else "in the rest of the capture"
    again = f", sent again after {', '.join(times)} s" if times else ""
    text = f"ClientHello of {link.hello_bytes:,} bytes{again}: no DTLS came back {waited}."
    limits = ""
    if flow is not None and 0 in flow.packets:
        limits = "Nothing at all came from the other side: the capture may have seen one direction only."
    yield Finding("dtls.no-answer", text, one.hellos[:8] or link.hello_at, limits=limits)


# --- facts ------------------------------------------------------------------------------------------------------------


def facts(one: Association, turned: bool = False) -> dict[str, Value]:
    """What a person, and who joins this with signalling, wants to know of the connection."""
    link = one.link
    found: dict[str, Value] = {}
    if link.version:
        found["dtls_version"] = names.version_name(link.version)
    if link.hello is not None or link.answer is not None:
        found["dtls_client"] = SIDE_NAMES[link.client ^ turned]
    if link.suite_value:
        found["cipher_suite"] = names.suite_name(link.suite_value)
    if link.group is not None:
        found["group"] = names.group_words(link.group)
    if link.scheme is not None:
        found["signature_algorithm"] = names.scheme_name(link.scheme)
    if link.alpn is not None:
        found["alpn"] = link.alpn
    if link.resumed is not None:
        found["resumed"] = link.resumed
    if one.srtp is not None:
        found["srtp_profile"] = one.srtp.get("name") or one.srtp.get("value")
    elif one.srtp_offered:
        found["srtp_profile"] = None
    sums = {SIDE_NAMES[at ^ turned]: _leaf(link, at) for at in (Side.INITIATOR, Side.RESPONDER)}
    prints = {name: leaf.sha256 for name, leaf in sums.items() if leaf is not None}
    if prints:
        found["certificate_sha256"] = prints
    if link.done_ns:
        trips = round_trips(one)
        if trips is not None:
            found["round_trips"] = trips
        if link.hello_at is not None:
            found["handshake_ns"] = link.done_ns - link.hello_at.time_ns
    if link.hello_at is not None and link.server_at is not None:
        found["hello_to_hello_ns"] = link.server_at.time_ns - link.hello_at.time_ns
    if one.cookies:
        found["hello_verify_requests"] = one.cookies
    flights = one.flights.facts(turned)
    if flights:
        found["flights"] = flights
    if one.retransmissions:
        found["dtls_retransmissions"] = one.retransmissions
    if one.opened or one.unopened:
        found["decrypted"] = one.unopened == 0
        if one.unopened:
            found["encrypted_records"] = one.unopened
            found["not_decrypted_because"] = one.closed_why
        found["data_bytes"] = [one.halves[at ^ turned].data_bytes for at in (0, 1)]
    return found


def _leaf(link: Link, at: Side) -> Certificate | None:
    chain = link.chains[0 if at is link.client else 1]
    return chain[0] if chain else None
