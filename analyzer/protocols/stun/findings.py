"""The lines and the verdicts of STUN, ICE and TURN: what each means, why it is probably so, and what to do."""

from __future__ import annotations

from typing import Final

from analyzer.core import FindingKind, Kind, Severity

KINDS: Final[dict[str, Kind]] = {
    "stun.binding-request": Kind(
        "§2",
        "Asks how the sender is seen from outside; with a user name of ICE it is a check whether this path works.",
        "Binding request",
    ),
    "stun.binding-indication": Kind("§6.3.2", "Keeps the path open; nobody answers it.", "Binding indication"),
    "stun.binding-success": Kind(
        "§6.3.3", "The answer: the address that the request came from. The path works both ways.", "Binding success"
    ),
    "stun.binding-error": Kind("§6.3.4", "The request was refused, with a code.", "Binding error"),
    "stun.shared-secret-request": Kind("RFC 3489 9.1", "Asks for a name and a password; no longer used."),
    "turn.allocate-request": Kind(
        "RFC 8656 7.1", "Asks the relay for an address at which others can reach the client.", "Allocate request"
    ),
    "turn.allocate-success": Kind(
        "RFC 8656 7.3", "The relay gives an address, for so many seconds unless it is refreshed.", "Allocate success"
    ),
    "turn.allocate-error": Kind(
        "RFC 8656 7.4", "No address: at first by design, since the client must learn the realm.", "Allocate error"
    ),
    "turn.refresh-request": Kind(
        "RFC 8656 8.1", "Asks to keep the relayed address for longer, or, with 0 s, gives it up.", "Refresh request"
    ),
    "turn.refresh-success": Kind("RFC 8656 8.3", "How long the address is kept from now on.", "Refresh success"),
    "turn.refresh-error": Kind("RFC 8656 8.3", "The allocation is not refreshed.", "Refresh error"),
    "turn.create-permission-request": Kind(
        "RFC 8656 10.1", "Lets these peers send through the relay, for five minutes.", "CreatePermission request"
    ),
    "turn.create-permission-success": Kind("RFC 8656 10.3", "They may.", "CreatePermission success"),
    "turn.create-permission-error": Kind("RFC 8656 10.3", "They may not, with a code.", "CreatePermission error"),
    "turn.channel-bind-request": Kind(
        "RFC 8656 12.1", "Asks for a number in place of a peer's address: 4 bytes of header, not 36.", "ChannelBind"
    ),
    "turn.channel-bind-success": Kind("RFC 8656 12.3", "The number stands for the peer.", "ChannelBind success"),
    "turn.channel-bind-error": Kind("RFC 8656 12.3", "The number was not bound.", "ChannelBind error"),
    "turn.send-indication": Kind("RFC 8656 11.1", "A datagram that the relay is to send to a peer.", "Send"),
    "turn.data-indication": Kind("RFC 8656 11.4", "A datagram that came to the relay from a peer.", "Data"),
    "turn.channel-data": Kind(
        "RFC 8656 12.4", "Datagrams to and from a peer that has a channel number.", "ChannelData"
    ),
    "turn.connect-request": Kind("RFC 6062 4.3", "Asks the relay to open a TCP connection to a peer.", "Connect"),
    "turn.connect-success": Kind("RFC 6062 4.3", "The relay is connected to the peer.", "Connect success"),
    "turn.connect-error": Kind("RFC 6062 4.3", "The relay could not connect to the peer.", "Connect error"),
    "turn.connection-bind-request": Kind(
        "RFC 6062 4.3", "Says which of the relay's connections this one belongs to.", "ConnectionBind"
    ),
    "turn.connection-bind-success": Kind(
        "RFC 6062 4.3", "From here on this connection is the peer's.", "ConnectionBind success"
    ),
    "turn.connection-attempt-indication": Kind(
        "RFC 6062 4.4", "A peer has connected to the relayed address.", "ConnectionAttempt"
    ),
    "stun.icmp-error": Kind(
        "RFC 8445 7.2.5.2.2",
        "A router or a host on the way, or the target itself, says that this message did not get through.",
        "ICMP error",
    ),
    "stun.malformed": Kind("§5", "A message that breaks its own lengths."),
}

NO_RESPONSE: Final = "stun.no-response"
ICMP: Final = "stun.icmp"
BAD_INTEGRITY: Final = "stun.bad-integrity"
BAD_FINGERPRINT: Final = "stun.bad-fingerprint"
CHECK_REFUSED: Final = "stun.error-400-401-on-check"
UNKNOWN_ATTRIBUTE: Final = "stun.error-420"
ALG_REWRITE: Final = "stun.alg-rewrite"
ROLE_CONFLICT: Final = "ice.role-conflict"
CONSENT_LOST: Final = "ice.consent-lost"
CHALLENGE: Final = "turn.challenge"
AUTH_FAILED: Final = "turn.auth-failed"
NONCE_LOOP: Final = "turn.nonce-loop"
EXPIRED: Final = "turn.allocation-expired"
MISMATCH: Final = "turn.allocation-mismatch"
WRONG_CREDENTIALS: Final = "turn.wrong-credentials"
FAMILY: Final = "turn.family"
TRANSPORT: Final = "turn.transport"
QUOTA: Final = "turn.quota"
CAPACITY: Final = "turn.capacity"
PERMISSION_MISSING: Final = "turn.permission-missing"
PERMISSION_EXPIRED: Final = "turn.permission-expired"
CHANNEL_EXPIRED: Final = "turn.channel-expired"
FORBIDDEN_PEER: Final = "turn.forbidden-peer"
REDIRECT: Final = "turn.redirect"

#: Cause and advice where requests went over a connection, which is proof of a path.
SILENT_STREAM: Final = (
    "The connection is there, so the way is free: no STUN or TURN server listens on that port, or it is overloaded.",
    "Look at the server's log at that time, and whether TURN over TCP or TLS is switched on for this port.",
)
_NO_ROUTE: Final = (
    "The one who reports it has no way on to this address: no route, or the host is gone or switched off."
)
_REFUSED: Final = "A firewall refuses this traffic, and says so: a rule of the one who reports it."
#: Why a request comes back, by what the error says (the names of `icmp.NAMES`).
ICMP_CAUSES: Final = {
    "port unreachable": "The host is there, and nobody listens on that port (any more).",
    **dict.fromkeys(("network unreachable", "host unreachable", "no route", "address unreachable"), _NO_ROUTE),
    **dict.fromkeys(
        (
            "network administratively prohibited",
            "host administratively prohibited",
            "administratively prohibited",
        ),
        _REFUSED,
    ),
}

FINDINGS: Final[dict[str, FindingKind]] = {
    NO_RESPONSE: FindingKind(
        Severity.WARNING,
        "No answer to STUN requests",
        "§6.2.1",
        cause="UDP to this address is blocked by a firewall, nothing listens there, or the address is one that cannot "
        "be reached from here (private, of another network, of the other IP version).",
        advice="If it is one candidate pair of several, look whether another one works. Else capture at the other end: "
        "do the requests arrive? A relay over TCP or TLS (port 443) passes most firewalls that drop UDP.",
    ),
    ICMP: FindingKind(
        Severity.WARNING,
        "STUN requests come back as ICMP errors",
        "RFC 8445 7.2.5.2.2",
        cause="Port unreachable: the host is there and nobody listens on that port (any more). Host or network "
        "unreachable: no route, or the host is gone. Administratively prohibited: a firewall refuses, and says so.",
        advice="Look who reports it: the target itself, or a router or firewall before it. If it is one candidate pair "
        "of several, look whether another one works.",
    ),
    BAD_INTEGRITY: FindingKind(
        Severity.ERROR,
        "A request was signed with another password",
        "§9.1.3, 14.5",
        cause="The client has another password than the one that was given here: an old one, one of another user, or "
        "one that was copied with a mistake.",
        advice="Compare the password of the client's configuration with that of the server; for passwords that are "
        "made of a shared secret and a time, compare the secret.",
    ),
    BAD_FINGERPRINT: FindingKind(
        Severity.WARNING,
        "FINGERPRINT does not fit the message",
        "§7, 14.7",
        cause="Something on the way changed the message (an application layer gateway that rewrites addresses), the "
        "bytes were damaged, or the sender computes the CRC wrongly.",
        advice="Compare captures of both ends. Switch off STUN or SIP helpers in the router.",
    ),
    CHECK_REFUSED: FindingKind(
        Severity.WARNING,
        "A connectivity check was refused",
        "§9.1.3, 14.8",
        cause="The user name or the password of the check is not (or no longer) that of the other side: an ICE restart "
        "that one side has not learnt of, an answer given to another offer, or a peer that was replaced.",
        advice="Compare the ice-ufrag of both descriptions with the user name of the check: it is the receiver's, a "
        "colon, the sender's.",
    ),
    UNKNOWN_ATTRIBUTE: FindingKind(
        Severity.WARNING,
        "The other side does not understand an attribute that it must",
        "§14.13",
        cause="The two speak different versions or extensions.",
        advice="The attributes are listed in the answer; switch the extension off, or update the side that refuses.",
    ),
    ALG_REWRITE: FindingKind(
        Severity.WARNING,
        "An address inside a message was rewritten on the way",
        "§14.2",
        cause="An application layer gateway in a NAT replaces addresses that it finds in the payload; "
        "XOR-MAPPED-ADDRESS exists because of these.",
        advice="Believe XOR-MAPPED-ADDRESS. Switch the gateway's helper off: it damages other protocols too.",
    ),
    ROLE_CONFLICT: FindingKind(
        Severity.WARNING,
        "Both agents claim the same role in ICE",
        "RFC 8445 7.3.1.1",
        cause="Both sides made an offer at once, or one of them (often a media server) does not follow the rules by "
        "which the controlling side is chosen.",
        advice="One of the two must switch after a 487. If it goes on, fix who makes the offer.",
    ),
    CONSENT_LOST: FindingKind(
        Severity.ERROR,
        "The peer stopped answering",
        "RFC 7675 5.1",
        cause="The path died: the peer is gone or asleep, it changed its network, or a NAT on the way forgot the "
        "mapping.",
        advice="Capture at the peer: do the checks arrive there? After a change of network an ICE restart helps.",
    ),
    CHALLENGE: FindingKind(
        Severity.INFO,
        "The relay asks for credentials",
        "§9.2.3.1, 9.2.4",
        cause="By design: a client learns realm and nonce from the first answer, and asks again with its credentials.",
        advice="Nothing is to be done. It costs one round trip.",
    ),
    AUTH_FAILED: FindingKind(
        Severity.ERROR,
        "The relay refuses the credentials",
        "§9.2.4, 9.2.5",
        cause="The password is wrong or the user is not known; or the credentials were made for some time and that is "
        "over (user names that begin with a number of seconds since 1970); or the realm is another.",
        advice="Compare user name and realm with the relay's configuration; ask for new credentials; look whether the "
        "shared secret of relay and application is the same, and their clocks.",
    ),
    NONCE_LOOP: FindingKind(
        Severity.WARNING,
        "The relay calls every nonce stale",
        "§9.2.4",
        cause="Requests of one client reach different servers behind one name, or the client's port changes between "
        "them (a NAT), so that no server knows the nonce that is used.",
        advice="Make the balancer keep a client on one server (by address and port). Look at the lifetime of nonces.",
    ),
    EXPIRED: FindingKind(
        Severity.WARNING,
        "The allocation expired before it was refreshed",
        "RFC 8656 8",
        cause="The client slept or was suspended (a phone in a pocket, a closed laptop), or its refreshes were lost.",
        advice="Refresh a minute before the lifetime is over; after a sleep allocate anew.",
    ),
    MISMATCH: FindingKind(
        Severity.WARNING,
        "The relay has another allocation for this client than the client thinks",
        "RFC 8656 7.2, 19",
        cause="The client takes a port that it used shortly before, so that the old allocation is still there; or the "
        "server was restarted, or the allocation has expired, and is there no more.",
        advice="Allocate from a new port. If it comes in the middle of a call, look for a restart of the relay and for "
        "refreshes that were not sent.",
    ),
    WRONG_CREDENTIALS: FindingKind(
        Severity.ERROR,
        "The allocation belongs to another user",
        "RFC 8656 19",
        cause="The client uses other credentials than those with which it allocated.",
        advice="Refresh with the credentials of the allocation, or allocate anew from another port.",
    ),
    FAMILY: FindingKind(
        Severity.WARNING,
        "The relay does not serve this IP version",
        "RFC 8656 7.2, 19",
        cause="The relay has no address of the version that was asked for, or the peer's address is of another version "
        "than the relayed one.",
        advice="Give the relay addresses of both versions, or offer candidates of the version that it has.",
    ),
    TRANSPORT: FindingKind(
        Severity.WARNING,
        "The relay does not offer this transport",
        "RFC 8656 7.2",
        cause="REQUESTED-TRANSPORT names a protocol that the relay does not relay (TCP needs RFC 6062).",
        advice="Ask for UDP (17), or switch TCP relaying on.",
    ),
    QUOTA: FindingKind(
        Severity.ERROR,
        "The user has too many allocations at the relay",
        "RFC 8656 19",
        cause="Allocations that were not given up are still there until they expire, or the quota is too low for the "
        "number of candidates.",
        advice="Look whether clients end their allocations (a Refresh with lifetime 0); raise the user's quota.",
    ),
    CAPACITY: FindingKind(
        Severity.ERROR,
        "The relay has no capacity left",
        "RFC 8656 19",
        cause="All ports of the relay's range are taken, or a limit of bandwidth or sessions is met.",
        advice="Widen the port range, or add relays.",
    ),
    PERMISSION_MISSING: FindingKind(
        Severity.WARNING,
        "Data goes to a peer for which there is no permission at the relay",
        "RFC 8656 9, 11.2",
        cause="The client sends without CreatePermission or ChannelBind for this address: a candidate that came late, "
        "or a mistake in the client. The relay drops it silently, and drops what the peer sends too.",
        advice="Ask a permission for each address of the peer before data goes to it; ports do not matter.",
    ),
    PERMISSION_EXPIRED: FindingKind(
        Severity.WARNING,
        "A permission at the relay ran out and was not renewed",
        "RFC 8656 9",
        cause="Permissions hold 300 s. The client did not renew this one in time: it slept, its request was lost, or "
        "it does not renew at all.",
        advice="Renew permissions every four minutes (CreatePermission or ChannelBind), whatever is sent meanwhile.",
    ),
    CHANNEL_EXPIRED: FindingKind(
        Severity.WARNING,
        "A channel at the relay ran out and was not bound again",
        "RFC 8656 12",
        cause="Channels hold 600 s. The client did not bind this one again in time, and goes on using its number: the "
        "relay drops what comes.",
        advice="Bind channels again every nine minutes; each binding renews the permission too.",
    ),
    FORBIDDEN_PEER: FindingKind(
        Severity.NOTICE,
        "The relay does not let this peer be reached",
        "RFC 8656 10.2, 19",
        cause="The relay's rules deny the peer's address: mostly it is private, loopback or multicast.",
        advice="If another candidate of the peer works, all is well. Else allow the network in the relay's rules.",
    ),
    REDIRECT: FindingKind(
        Severity.NOTICE,
        "The server sends the client to another one",
        "§10",
        cause="The server spreads its load, or is going out of service.",
        advice="Look whether the other server answers; servers that send clients to each other are a mistake.",
    ),
}
