"""The verdicts on a call that need more than one flow, or signalling beside it: why, and what to do."""

from __future__ import annotations

from typing import Final

from analyzer.core import FindingKind, Severity

ALL_FAILED: Final = "ice.all-checks-failed"
CONSENT_LOST: Final = "ice.consent-lost"
ROLE_CONFLICT: Final = "ice.role-conflict"
ASYMMETRIC: Final = "ice.response-asymmetric"
NO_PAIRS: Final = "ice.no-pairs"
HOST_ONLY: Final = "ice.host-only"
RELAY_ONLY: Final = "ice.relay-only-policy"
SYMMETRIC_NAT: Final = "ice.symmetric-nat"
HAIRPIN: Final = "ice.nat-hairpin-needed"
ONE_WAY: Final = "ice.one-way"
NEVER_NOMINATED: Final = "ice.valid-never-nominated"
BOTH_LITE: Final = "ice.both-lite"
MISMATCH: Final = "ice.mismatch"
SLOW_GATHERING: Final = "ice.slow-gathering"
RESTART: Final = "ice.restart"
LATE_TRICKLE: Final = "ice.late-trickle"
SWITCHED: Final = "ice.switched-path"
UDP_BLOCKED: Final = "ice.udp-blocked"
BAD_INTEGRITY: Final = "stun.bad-integrity"
FINGERPRINT_MISMATCH: Final = "dtls.fingerprint-mismatch"
FINGERPRINT_MISSING: Final = "dtls.fingerprint-missing"
DTLS_ROLES: Final = "dtls.role-conflict"
PORT_MISMATCH: Final = "sctp.port-mismatch"
SNAP: Final = "sctp.snap"
SNAP_BROKEN: Final = "sctp.snap-broken"
PARITY: Final = "datachannel.parity-conflict"
TOO_BIG: Final = "datachannel.message-too-big"
UNKNOWN_TYPE: Final = "rtp.unknown-payload-type"

FINDINGS: Final[dict[str, FindingKind]] = {
    ALL_FAILED: FindingKind(
        Severity.ERROR,
        "No connectivity check succeeded",
        "RFC 8445 7.2.5.2, 6.1.3",
        cause="A firewall drops UDP between the two, or the addresses that were offered cannot be reached from each "
        "other's networks.",
        advice="Allow UDP between both ends, or give both a TURN server that is reachable over TCP or TLS.",
    ),
    CONSENT_LOST: FindingKind(
        Severity.ERROR,
        "The peer stopped answering",
        "RFC 7675 5.1",
        cause="The path died: the peer is gone or asleep, it changed its network, or a NAT on the way forgot the "
        "mapping.",
        advice="Capture at the peer: do the checks arrive there? After a change of network an ICE restart helps.",
    ),
    ROLE_CONFLICT: FindingKind(
        Severity.WARNING,
        "Both agents claim the same role in ICE",
        "RFC 8445 7.3.1.1, 7.2.5.1",
        cause="Both sides made an offer at once, or one of them (often a media server) does not follow the rules by "
        "which the controlling side is chosen.",
        advice="One of the two must switch after a 487. If it goes on, fix who makes the offer.",
    ),
    ASYMMETRIC: FindingKind(
        Severity.WARNING,
        "A check was answered from another address than the one it went to",
        "RFC 8445 7.2.5.2.1",
        cause="The peer has several addresses and answers from the wrong one, or a NAT on the way changes the source "
        "of answers.",
        advice="Let the server bind its socket to the address that it offers, and answer from there: the agent has to "
        "throw such an answer away.",
    ),
    NO_PAIRS: FindingKind(
        Severity.ERROR,
        "No candidate of one side fits one of the other",
        "RFC 8445 6.1.2.2",
        cause="The two have no IP version or transport in common; or one side gave no candidates, or only names "
        "(.local) that the other cannot look up, since multicast does not leave its network.",
        advice="Give both sides a TURN server with IPv4 and IPv6, or let the page ask for the microphone or camera: "
        "browsers then give addresses in place of names.",
    ),
    HOST_ONLY: FindingKind(
        Severity.NOTICE,
        "Gathering gave only local addresses",
        "RFC 8445 5.1.1.2",
        cause="The STUN or TURN server did not answer, or refused.",
        advice="Look at the answers of the servers. Through a NAT the call fails without a server-reflexive or relayed "
        "candidate.",
    ),
    RELAY_ONLY: FindingKind(
        Severity.INFO,
        "Only relayed candidates are used",
        "RFC 8828 5.2; RFC 8445 5.1.1",
        cause="The application asks for it (iceTransportPolicy: relay), to hide addresses or to pass firewalls.",
        advice="Nothing is to be done if it is meant. All traffic takes the way through the relay.",
    ),
    SYMMETRIC_NAT: FindingKind(
        Severity.NOTICE,
        "The NAT gives another port for each destination",
        "RFC 4787 4.1; RFC 5780 4.3",
        cause="Its mapping depends on the destination's address (a symmetric NAT), so that the address learnt from a "
        "STUN server is not the one that the peer sees.",
        advice="Direct paths work only if the peer's NAT does not do the same. Have a TURN server at hand.",
    ),
    HAIRPIN: FindingKind(
        Severity.NOTICE,
        "Both ends are behind the same NAT, which does not lead back in",
        "RFC 4787 6",
        cause="Both have the same address outside, and the NAT does not take packets from inside for its own address.",
        advice="Make the host candidates work (names for multicast DNS, no isolation of clients in the WLAN), or use "
        "TURN.",
    ),
    ONE_WAY: FindingKind(
        Severity.WARNING,
        "Checks pass in one direction only",
        "RFC 8445 7.3.1.4",
        cause="A firewall lets packets out and not in. An agent answers a check by one of its own; there was none, or "
        "none came through.",
        advice="Look at the rules for incoming UDP at the end whose checks are missing.",
    ),
    NEVER_NOMINATED: FindingKind(
        Severity.ERROR,
        "Pairs work, and none was nominated",
        "RFC 8445 8.1.1, 7.1.2",
        cause="The controlling agent never sent USE-CANDIDATE: a fault of it, or both agents are ICE-lite or take "
        "themselves for controlled.",
        advice="Look which side is controlling (ICE-CONTROLLING in its checks); a server with ICE-lite must not be "
        "that.",
    ),
    BOTH_LITE: FindingKind(
        Severity.WARNING,
        "Both sides are ICE-lite",
        "RFC 8445 6.1.1, 2.5",
        cause="Two servers talk to each other, each of which waits for the checks of the other.",
        advice="Turn full ICE on at one of them; without checks neither learns whether a path works.",
    ),
    MISMATCH: FindingKind(
        Severity.WARNING,
        "The default address of a description is none of its candidates",
        "RFC 8445 5.4; RFC 8839 5.3",
        cause="A session border controller or application layer gateway changed the address in the c= and m= lines, "
        "and not the candidates.",
        advice="Let signalling pass it unchanged (over TLS), or turn the gateway's helper off.",
    ),
    SLOW_GATHERING: FindingKind(
        Severity.NOTICE,
        "A STUN or TURN server took long to answer",
        "RFC 8445 5.1.1.2",
        cause="The server is far away or overloaded, or the first requests were lost.",
        advice="Use a server nearer by; trickle candidates, so that nothing waits for the slowest.",
    ),
    RESTART: FindingKind(
        Severity.INFO,
        "ICE was restarted",
        "RFC 8445 9",
        cause="An end changed its network, or the application asked for it (restartIce) because the path had failed.",
        advice="Nothing, if it is meant: DTLS and all that is in it go on over the new path.",
    ),
    LATE_TRICKLE: FindingKind(
        Severity.NOTICE,
        "The pair that won was waiting for its candidate",
        "RFC 8838 4.1, 8",
        cause="Signalling is slow, or a server took long to give that candidate.",
        advice="Send each candidate as soon as it is there; look for what holds messages back in signalling.",
    ),
    SWITCHED: FindingKind(
        Severity.NOTICE,
        "The call moved to another path",
        "RFC 8445 9, 12",
        cause="The first path got worse or died, or a better pair was found after the first was in use.",
        advice="Compare round trips of both paths; a move to the relay says that the direct path failed.",
    ),
    UDP_BLOCKED: FindingKind(
        Severity.WARNING,
        "UDP gets no answer, TURN over TCP or TLS does",
        "RFC 8656 3.1",
        cause="A firewall drops UDP.",
        advice="Allow UDP to the TURN server's port and to its range of relayed ports: media over TCP stalls at each "
        "loss.",
    ),
    BAD_INTEGRITY: FindingKind(
        Severity.ERROR,
        "A check was made with another password than the one that was signalled",
        "RFC 8489 9.1.3, 14.5",
        cause="The description was mixed up or is stale: the sender has the ice-pwd of another offer or of the time "
        "before a restart.",
        advice="Compare ice-ufrag and ice-pwd in the description that the sender was given with those that the "
        "receiver made.",
    ),
    FINGERPRINT_MISMATCH: FindingKind(
        Severity.ERROR,
        "The certificate is not the one that signalling announced",
        "RFC 8122 5; RFC 5763 5; RFC 8827 6.5",
        cause="The description was changed on its way (by the signalling server, by code that edits SDP), it is of "
        "another session, or somebody stands in the middle.",
        advice="Compare a=fingerprint where the description was made with the one that arrived. The ends are right to "
        "end the session.",
    ),
    FINGERPRINT_MISSING: FindingKind(
        Severity.WARNING,
        "A description has no fingerprint",
        "RFC 8122 5; RFC 8842 5",
        cause="Signalling leaves a=fingerprint out, or drops it.",
        advice="Without it nobody knows whose certificate it is: a browser refuses such a description.",
    ),
    DTLS_ROLES: FindingKind(
        Severity.ERROR,
        "Who is DTLS client is not what was agreed",
        "RFC 8842 5; RFC 5763 5; RFC 4145 4",
        cause="One side mishandles a=setup: with actpass in the offer, the answerer chooses, and active means that it "
        "sends the ClientHello.",
        advice="Compare a=setup of the answer with what each side does.",
    ),
    PORT_MISMATCH: FindingKind(
        Severity.ERROR,
        "SCTP uses other ports than were signalled",
        "RFC 8841 5; RFC 9260 8.4",
        cause="An implementation takes port 5000 for given.",
        advice="Let it use a=sctp-port of the other side's description.",
    ),
    SNAP: FindingKind(
        Severity.INFO,
        "SCTP begins without a handshake",
        "draft-hancke-tsvwg-snap",
        cause="By design: both sides signalled their INIT in the description (a=sctp-init).",
        advice="Nothing is to be done. It saves two round trips.",
    ),
    SNAP_BROKEN: FindingKind(
        Severity.ERROR,
        "One side skips the SCTP handshake, the other waits for it",
        "draft-hancke-tsvwg-snap",
        cause="a=sctp-init was echoed by a peer that does not know the draft.",
        advice="Take the attribute out of the descriptions, or update the peer.",
    ),
    PARITY: FindingKind(
        Severity.WARNING,
        "A data channel has a stream id that belongs to the other side",
        "RFC 8832 6",
        cause="A library takes itself for the DTLS client (or server) that it is not: the client takes even stream "
        "ids, the server odd ones.",
        advice="Compare a=setup of offer and answer with who sent the ClientHello; tell the library's SCTP that role.",
    ),
    TOO_BIG: FindingKind(
        Severity.WARNING,
        "A message is larger than the receiver said it takes",
        "RFC 8841 6",
        cause="The application does not look at maxMessageSize.",
        advice="Send in parts that fit a=max-message-size of the other side.",
    ),
    UNKNOWN_TYPE: FindingKind(
        Severity.WARNING,
        "RTP has a payload type that no description names",
        "RFC 3550 5.1; RFC 9429 5.2",
        cause="The sender uses a number of another negotiation.",
        advice="Compare a=rtpmap of both descriptions: the receiver's numbers count.",
    ),
}
