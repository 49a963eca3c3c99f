"""What the TCP room can say is wrong, why that is probably so, and what to do about it."""

from typing import Final

from analyzer.core import FindingKind, Severity

FINDINGS: Final = {
    # --- a connection that was not made ---
    "tcp.syn-no-reply": FindingKind(
        Severity.ERROR,
        "Nobody answered the SYN",
        "RFC 9293 3.5, 3.8.3; RFC 6298 2.1, 5",
        cause="A firewall drops the SYN without a word, or the host is down; less likely the answer takes "
        "another way back and is dropped there. A port that is merely closed would have answered RST.",
        advice="Capture at the server: if the SYN arrives and a SYN-ACK leaves, look at the way back; if it does not "
        "arrive, look at the firewalls on the way, then at address and route.",
    ),
    "tcp.syn-refused": FindingKind(
        Severity.ERROR,
        "The connection was refused",
        "RFC 9293 3.5.2",
        cause="Nothing listens on this port (service down, wrong port, or bound to another address); less likely a "
        "firewall rule that answers with RST, or a full listen queue on a host that resets then.",
        advice="On the server list the listeners (ss -ltn) and the address each is bound to; then look for firewall "
        "rules of the kind 'reject with tcp-reset'.",
    ),
    "tcp.syn-unreachable": FindingKind(
        Severity.ERROR,
        "An ICMP error says that the server cannot be reached",
        "RFC 9293 3.9; RFC 792; RFC 4443 3.1; RFC 5461",
        cause="The sender of the ICMP error has a rule against this traffic ('prohibited') or no route or neighbour "
        "for the address ('unreachable').",
        advice="Look at the rules and routes of the host that sent the ICMP error: its address is in the finding.",
    ),
    "tcp.syn-late": FindingKind(
        Severity.WARNING,
        "The connection was made late: its handshake had to be repeated",
        "RFC 6298 5",
        cause="A SYN was lost or dropped on the way there, or the SYN-ACK on the way back: the finding says "
        "which of them "
        "was seen more than once. A server with a full listen queue drops SYNs in the same way.",
        advice="Find the lossy leg with a capture at each end; on the server look at the listen queue (ss -ltn, "
        "nstat TcpExtListenDrops).",
    ),
    "tcp.synack-unacked": FindingKind(
        Severity.ERROR,
        "The server's answer was never acknowledged",
        "RFC 9293 3.5",
        cause="The SYN-ACK does not reach the client: a stateful firewall on an asymmetric path drops it, or the SYN "
        "came from a forged address (a SYN flood). Less likely only the client's last ACK is lost.",
        advice="Capture at the client: does the SYN-ACK arrive there? If many addresses show this at once, think of a "
        "SYN flood.",
    ),
    "tcp.synack-reset": FindingKind(
        Severity.NOTICE,
        "The client reset the connection as soon as the server accepted it",
        "RFC 9293 3.5.3",
        cause="A port scan or a health check that only wants to know whether the port is open, or a client that "
        "gave up "
        "on this attempt (another address answered first).",
        advice="Nothing, unless this client was meant to go on: then see why it closed its socket while connecting.",
    ),
    "tcp.synack-wrong-ack": FindingKind(
        Severity.WARNING,
        "The SYN-ACK acknowledges another SYN",
        "RFC 9293 3.5.1, 3.10.7.3",
        cause="The server or a box before it still holds an earlier connection of the same addresses and ports, "
        "or an old "
        "duplicate arrived; a middlebox that rewrites sequence numbers on one way only does the same.",
        advice="See whether the client reuses source ports quickly (NAT with few ports); shorten the timeouts of stale "
        "connections; take middleboxes out of the path one by one.",
    ),
    "tcp.syn-challenge-ack": FindingKind(
        Severity.WARNING,
        "The SYN was answered by a bare ACK: the server still has an old connection of these ports",
        "RFC 5961 4.2",
        cause="The server (or a stateful box before it) believes that a connection of the same addresses and "
        "ports still "
        "lives: the client restarted, or a NAT gave the port out again too early.",
        advice="A client that resets on such an ACK gets through with its next SYN; else wait for the server's "
        "timeout or "
        "use another source port. Look at how soon NAT reuses ports.",
    ),
    "tcp.accept-queue-full": FindingKind(
        Severity.WARNING,
        "The server repeats its SYN-ACK although the client completed the handshake",
        "RFC 9293 3.5",
        cause="The listen queue of the server is full: the kernel forgets the client's ACK until the "
        "application accepts. "
        "Less likely the ACKs are lost between this capture and the server, or the listener waits for data first "
        "(TCP_DEFER_ACCEPT).",
        advice="On the server compare Recv-Q with Send-Q of the listener (ss -ltn) and nstat "
        "TcpExtListenOverflows; raise the "
        "backlog and somaxconn, and look at what holds up the accept loop.",
    ),
    "tcp.simultaneous-open": FindingKind(
        Severity.INFO,
        "Both ends opened the connection at the same time",
        "RFC 9293 3.5",
        cause="Both ends connect to each other from fixed ports: peer-to-peer software, TCP hole punching.",
        advice="Nothing: TCP provides for it.",
    ),
    "tcp.tfo-blackholed": FindingKind(
        Severity.WARNING,
        "The SYN with Fast Open was lost, a plain SYN worked",
        "RFC 7413 4, 7",
        cause="A middlebox drops SYNs that carry data or the Fast Open option.",
        advice="Turn Fast Open off on this path, or the box that drops it.",
    ),
    # --- what the two ends agreed upon ---
    "tcp.options-stripped": FindingKind(
        Severity.INFO,
        "The server did not return all TCP options that the client offered",
        "RFC 7323 2.2, 3.2; RFC 2018 2",
        cause="The server does not support them, or answers with SYN cookies; less likely a middlebox strips them.",
        advice="Compare with a capture at the other end: options that differ there were changed on the way.",
    ),
    "tcp.window-scale-missing": FindingKind(
        Severity.NOTICE,
        "No window scaling on a long path",
        "RFC 7323 2",
        cause="One end does not offer window scaling, or a middlebox strips the option.",
        advice="Turn window scaling on at the end that lacks it (net.ipv4.tcp_window_scaling), or find the box "
        "that strips it.",
    ),
    "tcp.mss-clamped": FindingKind(
        Severity.INFO,
        "A small maximum segment size was announced",
        "RFC 9293 3.7.1",
        cause="A tunnel (VPN, PPPoE, GRE) on the way, and a rule that clamps the MSS to fit it; or an interface "
        "of small MTU.",
        advice="Expected on a VPN. Otherwise compare with a capture at the other end to see who changed it.",
    ),
    # --- packets that do not get through ---
    "tcp.pmtu-blackhole": FindingKind(
        Severity.WARNING,
        "Full-size segments do not get through, small ones do",
        "RFC 2923 2.1; RFC 9293 3.7.2; RFC 4821; RFC 8899",
        cause="A link on the path has a smaller MTU, and the ICMP message that would say so is filtered or ignored.",
        advice="Let ICMP type 3 code 4 (ICMPv6 type 2) through, or clamp the MSS at the tunnel, or turn on "
        "packetization "
        "layer path MTU discovery (net.ipv4.tcp_mtu_probing=1).",
    ),
    "ip.ttl-exceeded": FindingKind(
        Severity.NOTICE,
        "A router dropped packets of this connection: too many hops",
        "RFC 792; RFC 4443 3.3",
        cause="A routing loop; or somebody traces the route with TCP, which does this on purpose.",
        advice="Trace the route to the destination: a loop shows the same routers again and again.",
    ),
    "tcp.loss": FindingKind(
        Severity.NOTICE,
        "Segments had to be sent again",
        "RFC 9293 3.8.1; RFC 5681 3.2",
        cause="Packets are lost on the way: a congested link, a poor radio link, or a policer.",
        advice="Capture at both ends to see on which leg they are lost; look at interface drop counters on the way.",
    ),
    "tcp.rto-backoff": FindingKind(
        Severity.WARNING,
        "The same segment was sent again and again, ever more slowly",
        "RFC 6298 5.5; RFC 9293 3.8.1",
        cause="The path was dead for that time, or the peer had gone (host down, address changed, a stateful "
        "box forgot "
        "the connection); less likely a burst of loss.",
        advice="Capture at the receiver: did the copies arrive? If not, look at the path at that time; if they did, at "
        "what the receiver's firewall does with them.",
    ),
    "tcp.tail-loss": FindingKind(
        Severity.NOTICE,
        "The end of a flight had to be sent again after a timeout",
        "RFC 8985 7; RFC 6298 5",
        cause="The last segment of a flight, or its acknowledgment, was lost, and nothing after it could tell "
        "the sender.",
        advice="Nothing for a single one. For many: tail loss probes (RACK-TLP) shorten the wait.",
    ),
    "tcp.spurious-retransmission": FindingKind(
        Severity.INFO,
        "Segments were sent again that had arrived",
        "RFC 2883; RFC 3522",
        cause="The acknowledgment came later than the sender's timer allowed (a delayed ACK, a jump in delay), "
        "or reordering "
        "looked like loss.",
        advice="Nothing when it is rare. Otherwise look at what delays packets or acknowledgments.",
    ),
    "tcp.reordering": FindingKind(
        Severity.INFO,
        "Segments arrived out of order",
        "RFC 8985 3.3; RFC 9293 3.10.7.4",
        cause="Parallel paths, or a device that spreads one connection over several queues.",
        advice="Nothing when it is rare; otherwise have the balancing keep a connection on one path.",
    ),
    "tcp.overlap-conflict": FindingKind(
        Severity.WARNING,
        "Bytes were sent again with other content",
        "RFC 9293 3.10.7.4",
        cause="Someone injects segments into the connection, or a box on the way rewrites payload on some of "
        "its copies.",
        advice="Compare the two copies in the byte view and with a capture at the sender; the first copy is used here.",
    ),
    # --- a connection that broke ---
    "tcp.rst-after-first-payload": FindingKind(
        Severity.ERROR,
        "The server reset the connection on the client's first bytes",
        "RFC 9293 3.5.3",
        cause="A filter that looks into the first bytes (server name, method) and resets, the wrong protocol "
        "for this port, "
        "or a server that crashed on it.",
        advice="Try another server name, size or port: a filter lets one of them through. Compare the TTL of "
        "the RST with "
        "that of the SYN-ACK: a difference means that it came from a box on the way.",
    ),
    "tcp.rst-injected": FindingKind(
        Severity.WARNING,
        "A reset that does not look like the peer's",
        "RFC 5961 3; RFC 3360",
        cause="A middlebox (filter, intrusion prevention, load balancer) sent the RST in the peer's name.",
        advice="Capture at the other end: if it did not send this RST, find the box whose distance fits the TTL.",
    ),
    "tcp.rst-midstream": FindingKind(
        Severity.WARNING,
        "The connection was aborted in the middle",
        "RFC 9293 3.5.3, 3.10.7.4; RFC 1122 4.2.2.13",
        cause="The application aborted it (closed with unread data, SO_LINGER 0) or its process ended; less "
        "likely a box "
        "on the way that lost its state.",
        advice="Look at the log of the side that sent the RST for the time of the finding.",
    ),
    "tcp.rst-close-with-unread-data": FindingKind(
        Severity.INFO,
        "One side closed, then answered what still came with RST",
        "RFC 1122 4.2.2.13; RFC 2525 2.17",
        cause="The application closed its socket before it had read all that the peer sent. Browsers do so with "
        "connections "
        "they no longer need.",
        advice="Harmless where the data was of no interest; otherwise read until the peer's end before closing.",
    ),
    "tcp.idle-dropped": FindingKind(
        Severity.WARNING,
        "After a long silence the connection was dead",
        "RFC 5382 5; RFC 9293 3.8.4",
        cause="A NAT, firewall or load balancer between the ends forgot the connection while it was idle; less "
        "likely the peer "
        "went away in that time.",
        advice="Send keep-alives more often than that timer (TCP_KEEPIDLE, or the protocol's own), or raise the timer.",
    ),
    "tcp.zero-window": FindingKind(
        Severity.WARNING,
        "The receiver did not read: its window was zero",
        "RFC 9293 3.8.6",
        cause="The receiving application was slower than the sender, or did not read at all for that time.",
        advice="Profile the receiver at that time; the network is not the cause.",
    ),
    "tcp.nagle-delayed-ack": FindingKind(
        Severity.WARNING,
        "Small writes waited for acknowledgements that were held back",
        "RFC 9293 3.7.4, 3.8.6.3; RFC 1122 4.2.3.2",
        cause="The sender writes a message in several small parts: the Nagle algorithm holds the second until the "
        "first is acknowledged, and the receiver, which waits for the whole message, delays that ACK.",
        advice="Write each message in one call, or set TCP_NODELAY at the sender.",
    ),
}
