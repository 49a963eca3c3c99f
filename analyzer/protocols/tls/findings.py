"""The lines and the verdicts of TLS: what each means, why it is probably so, and what to do."""

from __future__ import annotations

from typing import Final

from analyzer.core import FindingKind, Kind, Severity

ERROR: Final = Severity.ERROR
WARNING: Final = Severity.WARNING
NOTICE: Final = Severity.NOTICE
INFO: Final = Severity.INFO

KINDS: Final[dict[str, Kind]] = {
    "tls.client-hello": Kind(
        "§4.2.2",
        "The client says what it can do: versions, cipher suites, groups, and which server it wants.",
        "ClientHello",
    ),
    "tls.server-hello": Kind(
        "§4.2.3",
        "The server chooses from what the client offered: version, cipher suite, and its key share.",
        "ServerHello",
    ),
    "tls.hello-retry-request": Kind(
        "§4.2.4", "The server can go on only with another key share: it costs one more round trip.", "HelloRetryRequest"
    ),
    "tls.encrypted-extensions": Kind(
        "§4.4.1", "The rest of the server's answers, the first message that is encrypted.", "EncryptedExtensions"
    ),
    "tls.certificate": Kind(
        "§4.5.1", "A chain of certificates: who the sender is, and who vouches for it.", "Certificate"
    ),
    "tls.compressed-certificate": Kind("RFC 8879 4", "A Certificate message, compressed.", "CompressedCertificate"),
    "tls.certificate-status": Kind(
        "RFC 6066 8", "A stapled answer of the certification authority: not revoked, as of then.", "CertificateStatus"
    ),
    "tls.server-key-exchange": Kind(
        "RFC 5246 7.4.3",
        "The server's share of the key exchange, signed with its certificate's key.",
        "ServerKeyExchange",
    ),
    "tls.certificate-request": Kind("§4.4.2", "The server wants to know who the client is.", "CertificateRequest"),
    "tls.server-hello-done": Kind("RFC 5246 7.4.5", "The server has sent its part and waits.", "ServerHelloDone"),
    "tls.client-key-exchange": Kind(
        "RFC 5246 7.4.7",
        "The client's share of the key exchange: both sides can work out the keys now.",
        "ClientKeyExchange",
    ),
    "tls.certificate-verify": Kind(
        "§4.5.2",
        "A signature over the handshake proves that the sender holds the certificate's key.",
        "CertificateVerify",
    ),
    "tls.change-cipher-spec": Kind(
        "RFC 5246 7.1",
        "Up to TLS 1.2: from here on this side encrypts. In TLS 1.3 it means nothing.",
        "ChangeCipherSpec",
    ),
    "tls.finished": Kind(
        "§4.5.3", "Ends this side's handshake: a checksum over all of it, under the new keys.", "Finished"
    ),
    "tls.new-session-ticket": Kind(
        "§4.7.1", "With this ticket the client can resume the session later.", "NewSessionTicket"
    ),
    "tls.end-of-early-data": Kind("§4.6", "The client's early data ends here.", "EndOfEarlyData"),
    "tls.key-update": Kind("§4.7.3", "This side changes to new keys.", "KeyUpdate"),
    "tls.hello-request": Kind(
        "RFC 5246 7.4.1.1", "The server asks the client to begin a handshake anew.", "HelloRequest"
    ),
    "tls.next-protocol": Kind(
        "draft-agl-tls-nextprotoneg 3", "The client says which protocol follows (NPN, before ALPN).", "NextProtocol"
    ),
    "tls.alert": Kind(
        "§6", "An end of the connection: close_notify in order, all others because of an error.", "Alert"
    ),
    "tls.record-alert": Kind("§6", "An alert that is encrypted, and for which there are no keys.", "Alert (encrypted)"),
    "tls.encrypted-handshake": Kind(
        "§5.2", "Handshake messages that are encrypted, and for which there are no keys.", "handshake, encrypted"
    ),
    "tls.application-data": Kind("§5.2", "Data of the application, records of one side in a row.", "application data"),
    "tls.heartbeat": Kind("RFC 6520 4", "Tests whether the other side is still there.", "Heartbeat"),
    "tls.ssl2-client-hello": Kind(
        "RFC 5246 E.2", "A hello in the form of SSL 2.0, which may offer later versions.", "SSL 2.0 CLIENT-HELLO"
    ),
    "tls.ssl2-server-hello": Kind(
        "draft-hickman-netscape-ssl", "The server agrees to SSL 2.0.", "SSL 2.0 SERVER-HELLO"
    ),
    "tls.ssl2-client-master-key": Kind(
        "draft-hickman-netscape-ssl", "The key of an SSL 2.0 session, encrypted for the server.", "SSL 2.0 MASTER-KEY"
    ),
    "tls.malformed": Kind("§5", "Bytes that break TLS."),
}

#: The finding of each alert that is an error, by the alert's number.
ALERT_CODES: Final[dict[int, str]] = {
    10: "tls.alert-syntax",
    20: "tls.alert-bad-record-mac",
    22: "tls.alert-syntax",
    40: "tls.alert-handshake-failure",
    42: "tls.alert-bad-certificate",
    43: "tls.alert-unsupported-certificate",
    44: "tls.alert-certificate-revoked",
    45: "tls.alert-certificate-expired",
    46: "tls.alert-certificate-unknown",
    47: "tls.alert-syntax",
    48: "tls.alert-unknown-ca",
    49: "tls.alert-access-denied",
    50: "tls.alert-syntax",
    51: "tls.alert-decrypt-error",
    70: "tls.alert-protocol-version",
    71: "tls.alert-insufficient-security",
    80: "tls.alert-internal-error",
    86: "tls.alert-inappropriate-fallback",
    109: "tls.alert-syntax",
    110: "tls.alert-syntax",
    112: "tls.alert-unrecognized-name",
    113: "tls.alert-bad-certificate-status-response",
    115: "tls.alert-unknown-psk-identity",
    116: "tls.alert-certificate-required",
    120: "tls.alert-no-application-protocol",
    121: "tls.alert-ech-required",
}
OTHER_ALERT: Final = "tls.alert-other"

FINDINGS: Final[dict[str, FindingKind]] = {
    "tls.alert-handshake-failure": FindingKind(
        ERROR,
        "The two sides found no common ground",
        "RFC 9846 6.2, 4.2.1",
        cause="No cipher suite, group or signature algorithm that both have; some servers also say this when a client "
        "certificate is missing.",
        advice="List what the refusing side allows: its version range first, then its suites, then the type of its "
        "certificate's key. Widen one side; a capture of a client that succeeds shows the difference.",
    ),
    "tls.alert-protocol-version": FindingKind(
        ERROR,
        "The two sides have no version of TLS in common",
        "RFC 9846 6.2, 4.3.1",
        cause="One side has turned off what the other still (or only just) speaks.",
        advice="Compare the versions that both allow; allow TLS 1.2 and 1.3 on both.",
    ),
    "tls.alert-insufficient-security": FindingKind(
        ERROR,
        "The server wants stronger ciphers than the client offers",
        "RFC 9846 6.2",
        cause="A policy of the server, above what this client has.",
        advice="Update the client or enable stronger suites in it.",
    ),
    "tls.alert-no-application-protocol": FindingKind(
        ERROR,
        "The two sides have no application protocol in common",
        "RFC 7301 3.2",
        cause="The server has none of the protocols that the client offers by ALPN.",
        advice="Compare both lists; add the protocol on one side (h2 and http/1.1 for the web).",
    ),
    "tls.alert-unrecognized-name": FindingKind(
        ERROR,
        "The server does not know the name that the client asked for",
        "RFC 6066 3",
        cause="The name is not configured there, or the client came to the wrong address.",
        advice="Compare server_name with the server's virtual hosts, and the address with DNS.",
    ),
    "tls.alert-unknown-ca": FindingKind(
        ERROR,
        "The certificate's issuer is not trusted",
        "RFC 9846 6.2; RFC 5280 6",
        cause="A private certification authority that the refusing side does not know, or an intermediate certificate "
        "that was not sent.",
        advice="Install the authority's root on the side that refused, or send the whole chain on the other; a chain "
        "that openssl verify accepts with that root alone is complete.",
    ),
    "tls.alert-bad-certificate": FindingKind(
        ERROR,
        "A certificate was refused as bad",
        "RFC 9846 6.2",
        cause="Its signature does not verify, a field is malformed, or the name does not match; some clients say this "
        "of any certificate that they don't trust.",
        advice="Check the chain as it was sent (openssl verify), and the names in it.",
    ),
    "tls.alert-unsupported-certificate": FindingKind(
        ERROR,
        "A certificate is of a kind that the other side does not take",
        "RFC 9846 6.2, 4.3.3",
        cause="The type or size of its key, its signature algorithm, or what it may be used for.",
        advice="Offer a certificate with another key (RSA of 2048 bits, or P-256), and look at its key usages.",
    ),
    "tls.alert-certificate-revoked": FindingKind(
        ERROR,
        "A certificate was refused as revoked",
        "RFC 9846 6.2",
        cause="Its certification authority took it back.",
        advice="Get a new certificate; find out why the old one was revoked.",
    ),
    "tls.alert-certificate-expired": FindingKind(
        ERROR,
        "A certificate was refused as expired, or not valid yet",
        "RFC 9846 6.2",
        cause="It was not renewed, or the clock of the side that refuses is wrong.",
        advice="Compare the dates in the certificate with the clocks of both machines; renew it.",
    ),
    "tls.alert-certificate-unknown": FindingKind(
        ERROR,
        "A certificate was refused, for a reason that the alert does not name",
        "RFC 9846 6.2",
        cause="The application did not accept it: an issuer it does not know, a name, a pinned key, or a person who "
        "declined.",
        advice="Look at the log of the side that refused: only it knows why.",
    ),
    "tls.alert-certificate-required": FindingKind(
        ERROR,
        "The server wants a client certificate, and got none",
        "RFC 9846 6.2, 4.4.2",
        cause="The client has no certificate configured, or none from an issuer or of a kind that the server asked "
        "for.",
        advice="Give the client a certificate from an issuer that the server trusts, or make it optional on the "
        "server.",
    ),
    "tls.alert-access-denied": FindingKind(
        ERROR,
        "The certificate is good, but its owner may not enter",
        "RFC 9846 6.2",
        cause="Access control: the server knows who the client is, and refuses.",
        advice="Look at the server's rules for this subject.",
    ),
    "tls.alert-unknown-psk-identity": FindingKind(
        ERROR,
        "The server does not know the client's pre-shared key",
        "RFC 9846 6.2, 4.3.11",
        cause="Another key or identity is configured on each side.",
        advice="Compare the identity in the ClientHello with the server's list.",
    ),
    "tls.alert-bad-certificate-status-response": FindingKind(
        ERROR,
        "The stapled OCSP response was refused",
        "RFC 6066 8",
        cause="It is out of date, for another certificate, or its signature does not verify.",
        advice="Refresh the staple; check the server's clock and its way to the OCSP responder.",
    ),
    "tls.alert-decrypt-error": FindingKind(
        ERROR,
        "A signature or a Finished did not verify",
        "RFC 9846 6.2",
        cause="A private key that does not belong to the certificate, a wrong pre-shared key, or something between "
        "that changed the handshake.",
        advice="Check that certificate and private key belong together; compare the handshake as captured at both "
        "ends.",
    ),
    "tls.alert-bad-record-mac": FindingKind(
        ERROR,
        "A record failed its integrity check",
        "RFC 9846 6.2, 5.2",
        cause="Bytes changed on the way (a middlebox, bad hardware), or the two sides have different keys.",
        advice="Capture at both ends and compare the record: if it differs, something between changes it; if not, one "
        "of the implementations is wrong.",
    ),
    "tls.alert-syntax": FindingKind(
        ERROR,
        "One side did not understand the other's messages",
        "RFC 9846 6.2",
        cause="A mistake in one implementation, or one that does not bear something newer in the other's messages "
        "(intolerance).",
        advice="Compare with a client (or server) that works: versions, extensions and their order; update the older "
        "side.",
    ),
    "tls.alert-inappropriate-fallback": FindingKind(
        ERROR,
        "The client came back with a lower version, and the server speaks a higher one",
        "RFC 7507 3",
        cause="A first try failed, and the client tried again with less (it says so by TLS_FALLBACK_SCSV).",
        advice="Find out why the first try failed: that is the trouble.",
    ),
    "tls.alert-ech-required": FindingKind(
        ERROR,
        "The client insists on Encrypted ClientHello, and the server could not open it",
        "RFC 9849 6.1.6",
        cause="The client's ECH configuration is out of date, or another server answered than it was made for.",
        advice="Refresh the HTTPS record in DNS, and wait for the lifetime of the old one.",
    ),
    "tls.alert-internal-error": FindingKind(
        ERROR,
        "One side failed by itself",
        "RFC 9846 6.2",
        cause="Nothing to do with the other side: out of memory, no certificate configured, an HSM that does not "
        "answer.",
        advice="Look at the log of the side that sent the alert.",
    ),
    OTHER_ALERT: FindingKind(
        ERROR,
        "A fatal alert ended the connection",
        "RFC 9846 6.2",
        cause="The side that sent it gave up, for the reason that the alert names.",
        advice="Look at the log of the side that sent the alert.",
    ),
    "tls.alert-unreadable": FindingKind(
        ERROR,
        "One side refused the handshake, with an alert that is encrypted",
        "RFC 9846 6.2, 4.5.1",
        cause="A client that answers the server's certificate with an alert mostly does not trust it: unknown issuer, "
        "wrong name, expired. A server that does so mostly misses a client certificate.",
        advice="The log of the side that sent it names the alert; with a key log (--keylog) it can be read here.",
    ),
    "tls.no-server-hello": FindingKind(
        ERROR,
        "The server never answered the ClientHello",
        "RFC 9846 4.2.2, 6",
        cause="The server process hangs or speaks another protocol on this port, or something on the path swallows "
        "the ClientHello (a filter by server name, a middlebox that can't bear its size).",
        advice="Capture at the server: did the ClientHello arrive? Try openssl s_client from there, and from here "
        "with another server name.",
    ),
    "tls.not-tls": FindingKind(
        ERROR,
        "What answers on this port does not speak TLS",
        "§5.1",
        cause="A port for plain text, a protocol that wants STARTTLS first, or a proxy's error page.",
        advice="Use the right port, or the protocol's own command to start TLS first.",
    ),
    "tls.handshake-broken-off": FindingKind(
        ERROR,
        "The connection ended in the middle of the handshake",
        "§6",
        cause="The side that ended it crashed or refused without saying why (often a certificate or a policy), or a "
        "middlebox cut the connection.",
        advice="Look at the log of the side that ended it; compare the end's TTL with that of its other segments.",
    ),
    "tls.handshake-stalled": FindingKind(
        WARNING,
        "The handshake stopped half-way, and nobody ended it",
        "§4",
        cause="Segments that never arrive (the large ones of a certificate chain, say), or a side that waits for "
        "something: a smart card, a person, a remote signature.",
        advice="See in the timeline which side's turn it is, and look there.",
    ),
    "tls.downgrade-sentinel": FindingKind(
        WARNING,
        "The server marks its answer as a downgrade",
        "§4.2.3",
        cause="The client offered a higher version than was negotiated, and the server has it too: something between "
        "changed the hello, or the server negotiates wrongly.",
        advice="Compare the ClientHello as captured at both ends; look for TLS inspection between.",
    ),
    "tls.version-deprecated": FindingKind(
        WARNING,
        "An old version of TLS is in use",
        "RFC 8996; RFC 7568; RFC 6176",
        cause="One side is old, or configured to allow nothing newer.",
        advice="Allow TLS 1.2 and 1.3 on both sides, and turn off what is older.",
    ),
    "tls.suite-weak": FindingKind(
        WARNING,
        "A weak cipher suite is in use",
        "RFC 9325 4.1, 4.2",
        cause="One side is old, or configured to allow what should be off.",
        advice="Allow suites with ECDHE and AES-GCM or ChaCha20-Poly1305 on both sides, and turn off the weak ones.",
    ),
    "tls.cert-incomplete-chain": FindingKind(
        WARNING,
        "The server does not send the intermediate certificate",
        "§4.5.1; RFC 5280 4.2.2.1",
        cause="The server is configured with its own certificate alone; browsers often hide this, other clients fail.",
        advice="Configure the full chain (leaf and intermediates, without the root).",
    ),
    "tls.cert-name-mismatch": FindingKind(
        WARNING,
        "The certificate is for another name",
        "RFC 9525 6",
        cause="The wrong virtual host answered, the certificate lacks this name, or a wildcard covers one level only.",
        advice="Add the name that the client asks for (server_name, SNI) to the certificate, or use another.",
    ),
    "tls.cert-validity": FindingKind(
        ERROR,
        "A certificate is out of its time",
        "RFC 5280 4.1.2.5",
        cause="It was not renewed, or was made by a machine whose clock is wrong.",
        advice="Renew it, and check that the renewal reaches the server; compare the clocks.",
    ),
    "tls.cert-default-vhost": FindingKind(
        NOTICE,
        "The client named no server, so it got the default certificate",
        "RFC 6066 3",
        cause="The client's library sends no server_name, or was given an address in place of a name.",
        advice="Let the client send server_name.",
    ),
    "tls.cert-untrusted": FindingKind(
        INFO,
        "The certificate does not chain to a commonly trusted root",
        "RFC 5280 6",
        cause="A private certification authority, or a self-signed certificate: right inside an organisation, and "
        "refused by everybody else.",
        advice="Nothing, if both ends know this authority (name its root with --ca to have it checked here); else use "
        "a certificate of a public one.",
    ),
    "tls.cert-invalid": FindingKind(
        WARNING,
        "The chain of certificates does not hold",
        "RFC 5280 6",
        cause="A signature in it does not verify, or a certificate in it may not do what it does.",
        advice="Rebuild the chain, and check it with openssl verify.",
    ),
    "tls.cert-weak": FindingKind(
        WARNING,
        "A certificate is cryptographically weak",
        "§4.3.3",
        cause="It was made long ago, or by a tool with old defaults.",
        advice="Make a new one: RSA with 2048 bits or more, or P-256; signed with SHA-256.",
    ),
    "tls.cert-intercepted": FindingKind(
        NOTICE,
        "The certificate was made by something that inspects TLS",
        "RFC 5280",
        cause="A security gateway, an antivirus program or a debugging proxy ends TLS here and begins it anew.",
        advice="Expect it to change versions, suites and ALPN; test without it.",
    ),
    "tls.ocsp-must-staple-missing": FindingKind(
        WARNING,
        "The certificate demands a stapled OCSP response, and none was sent",
        "RFC 7633 4; RFC 6066 8",
        cause="Stapling is off in the server, or it could not reach the OCSP responder.",
        advice="Turn stapling on, or get a certificate without that demand.",
    ),
    "tls.certificate-revoked": FindingKind(
        ERROR,
        "The stapled OCSP response says that the certificate is revoked",
        "RFC 6960 2.2",
        cause="Its certification authority took it back.",
        advice="Get a new certificate; find out why the old one was revoked.",
    ),
    "tls.hrr-extra-rtt": FindingKind(
        NOTICE,
        "The handshake took one more round trip: the key share was of the wrong group",
        "§2.1, 4.2.4",
        cause="The client guessed a group that the server does not take (or does not prefer), or the server wants its "
        "cookie back.",
        advice="Let the client send a key share of the server's group first, or let the server take the client's.",
    ),
    "tls.hrr-second": FindingKind(
        ERROR,
        "The server asked twice for another ClientHello",
        "§4.2.4",
        cause="A mistake in the server: a second HelloRetryRequest is not allowed.",
        advice="Update the server; the client must end this with unexpected_message.",
    ),
    "tls.resumption-refused": FindingKind(
        NOTICE,
        "The server did not resume the session",
        "§2.2, 4.3.11",
        cause="Its ticket keys changed, another machine of the pool answered, or the session is too old.",
        advice="Share ticket keys among the machines behind one name; keep old keys for the lifetime of tickets.",
    ),
    "tls.early-data-rejected": FindingKind(
        NOTICE,
        "The server did not take the early data",
        "§4.3.10",
        cause="The server's policy, its protection against replays, or a session that it does not know.",
        advice="Nothing has to be done: the client sends the data again after the handshake. If it happens always, "
        "turn early data off, or on in the server.",
    ),
    "tls.server-flight-exceeds-initcwnd": FindingKind(
        NOTICE,
        "The server's flight did not fit its first congestion window",
        "RFC 6928 2; RFC 8879",
        cause="A long chain of certificates: after ten segments the server has to wait for the client's ACK.",
        advice="Send fewer or smaller certificates (ECDSA, no root), compress them (RFC 8879), or raise the window.",
    ),
    "tls.server-think-time": FindingKind(
        NOTICE,
        "The server took long to answer the ClientHello",
        "§4.2.3",
        cause="A private key in an HSM or a remote service, a cold worker process, an overloaded machine.",
        advice="Profile the server's handshake; look at its load and at how it signs.",
    ),
    "tls.renegotiation-insecure": FindingKind(
        WARNING,
        "The server does not know secure renegotiation",
        "RFC 5746 3.4",
        cause="An old implementation.",
        advice="Update it; until then turn renegotiation off.",
    ),
    "tls.heartbleed": FindingKind(
        WARNING,
        "A heartbeat claims more bytes than it has (Heartbleed)",
        "RFC 6520 4",
        cause="Somebody tests for Heartbleed (CVE-2014-0160), or uses it: an old OpenSSL (1.0.1 to 1.0.1f) answers "
        "with what stands in its memory.",
        advice="Update OpenSSL on the side that answered; then replace its keys and certificates, and passwords that "
        "went through it.",
    ),
    "tls.truncated-close": FindingKind(
        NOTICE,
        "The connection ended without close_notify",
        "§6.1",
        cause="The application closed the socket without ending TLS, or crashed; many do so in ordinary operation.",
        advice="Nothing, where the protocol inside marks its own ends (HTTP with lengths, WebSocket); else an "
        "attacker could have cut the data short.",
    ),
    "tls.keylog-no-match": FindingKind(
        NOTICE,
        "The key log has nothing for this connection",
        "RFC 9850 2",
        cause="Another process made this connection, the log began later, or with Encrypted ClientHello its lines "
        "name the inner hello.",
        advice="Set SSLKEYLOGFILE for the program whose connection this is, before it starts.",
    ),
    "tls.keylog-wrong": FindingKind(
        WARNING,
        "The secrets for this connection do not open it",
        "RFC 9850 2",
        cause="The line was damaged, or belongs to another connection with the same random.",
        advice="Make the key log anew, together with the capture.",
    ),
    "tls.record-damaged": FindingKind(
        WARNING,
        "A record fails its integrity check",
        "§5.2",
        cause="Bytes changed on the way, or the capture holds other bytes than the receiver got.",
        advice="Capture at both ends and compare this record.",
    ),
    "tls.harmless-compat-ccs": FindingKind(
        INFO,
        "ChangeCipherSpec in TLS 1.3 is there for old middleboxes",
        "RFC 9846 E.4",
        cause="By design: it makes the handshake look like that of TLS 1.2.",
        advice="Nothing.",
    ),
    "tls.harmless-grease": FindingKind(
        INFO,
        "GREASE: values that mean nothing are in the ClientHello",
        "RFC 8701 3",
        cause="By design: they keep servers used to ignoring what they don't know.",
        advice="Nothing.",
    ),
    "tls.harmless-legacy-version": FindingKind(
        INFO,
        "Records and hellos of TLS 1.3 say TLS 1.2",
        "§4.2.2, 4.3.1",
        cause="By design: supported_versions has the true version, and the old field stays at 0x0303.",
        advice="Nothing.",
    ),
}
