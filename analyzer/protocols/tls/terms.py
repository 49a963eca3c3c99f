"""What people call things of TLS that are no entry of a registry, and what programs say when it fails."""

from __future__ import annotations

from typing import Final

from analyzer.core import Word

#: handshake message that is no line of a timeline of TLS -> what it is.
MESSAGES: Final = {
    3: "DTLS only: the server gives the client a cookie to show again, so that nobody floods it under a false address.",
    9: "DTLS 1.3 only: asks for more connection identifiers.",
    10: "DTLS 1.3 only: gives the other side connection identifiers to use.",
    17: "Asks a client for a certificate after the handshake, outside of it (exported authenticators).",
    21: "The client's certificate is to be fetched from this address. Hardly used.",
    23: "More about client or server, for extensions that need it (authorization, user mapping). Hardly used.",
    26: "Keys of encrypted media, for the members of a conference.",
    203: "Channel ID: the client proves that it holds the same key as before. No longer used.",
    254: "Never sent: stands for the first ClientHello in the checksum of the handshake, after a HelloRetryRequest.",
}

#: type of record -> what it carries.
RECORDS: Final = {
    20: "One byte. Up to TLS 1.2: from here on this side encrypts. In TLS 1.3 it means nothing.",
    21: "An alert: two bytes, level and description (02 28 is fatal handshake_failure).",
    22: "Messages of the handshake: several in one record, or one over several. On the wire 16 03 01 or 16 03 03.",
    23: "Data of the application, encrypted. In TLS 1.3 everything that is encrypted looks like this, handshake and "
    "alerts too.",
    24: "Tests whether the other side is still there. Known for Heartbleed.",
    25: "DTLS 1.2 with connection identifiers: any encrypted record.",
    26: "DTLS 1.3: which records arrived.",
    27: "DTLS: tests whether a new address really belongs to the other side.",
}

COMPRESSIONS: Final = {
    1: "Compression of certificates by zlib.",
    2: "Compression of certificates by Brotli; what browsers offer.",
    3: "Compression of certificates by Zstandard.",
}

PSK_MODES: Final = {
    0: "Resuming with the old key alone: no forward secrecy for what follows.",
    1: "Resuming with the old key and a fresh key exchange: keeps forward secrecy.",
}

#: what people say -> what that is.
TERMS: Final[dict[str, Word]] = {
    "HRR": Word(
        "HelloRetryRequest",
        "The server can go on only with a key share of another group (or wants its cookie back): the client says hello "
        "again, which costs a round trip. On the wire it is a ServerHello with a fixed random, cf 21 ad 74 ...",
        "RFC 9846 4.2.4",
    ),
    "mTLS": Word(
        "mutual TLS: certificates of both sides",
        "The server asks for the client's certificate too (CertificateRequest). Where that fails: alert 116 "
        "certificate_required in TLS 1.3, 40 handshake_failure or 42 to 48 before.",
        "RFC 9846 4.4.2",
    ),
    "client certificate": Word(
        "mutual TLS (mTLS)",
        "The server asks for it by CertificateRequest; the client answers with a Certificate (an empty one if it has "
        "none) and proves by CertificateVerify that the key is its own.",
        "RFC 9846 4.4.2, 4.5.1",
    ),
    "session id": Word(
        "resumption by identifier",
        "Up to TLS 1.2: the server may give a session a number, and resume it when a client names that number again. "
        "In "
        "TLS 1.3 the field is there for old middleboxes only: the server sends back what it got.",
        "RFC 5246 7.4.1.2",
    ),
    "resumption": Word(
        "going on with an earlier session",
        "By session id or ticket (up to TLS 1.2), or by a pre-shared key from a ticket (TLS 1.3): no certificate is "
        "sent "
        "and less is computed. tls.resumption-refused tells where a server did not take it.",
        "RFC 9846 2.2",
    ),
    "PSK binder": Word(
        "proof of a pre-shared key",
        "A checksum over the ClientHello under the pre-shared key, at its very end: shows that the client has that "
        "key. "
        "If it is wrong the server answers decrypt_error.",
        "RFC 9846 4.3.11.2",
    ),
    "OCSP": Word(
        "Online Certificate Status Protocol",
        "Whether a certificate was revoked, said by its authority. A server may bring the answer itself (stapling: "
        "status_request).",
        "RFC 6960; RFC 6066 8",
    ),
    "stapling": Word(
        "an OCSP response brought by the server",
        "Asked for by status_request; in a CertificateStatus up to TLS 1.2, beside the certificate in TLS 1.3. A "
        "certificate with the TLS feature status_request demands it (must-staple).",
        "RFC 6066 8; RFC 7633",
    ),
    "SAN": Word(
        "subject alternative name",
        "The names and addresses that a certificate is for. Only these count, the common name (CN) does not any more; "
        "a "
        "wildcard stands for one label, the leftmost.",
        "RFC 5280 4.2.1.6; RFC 9525",
    ),
    "CN": Word(
        "common name of a certificate's subject",
        "Was once the host's name; clients of today look at the subject alternative names (SAN) only.",
        "RFC 9525",
    ),
    "AKI": Word(
        "authority key identifier of a certificate",
        "Which key signed it: the subject key identifier (SKI) of its issuer's certificate.",
        "RFC 5280 4.2.1.1",
    ),
    "SKI": Word("subject key identifier of a certificate", "A short name of its key.", "RFC 5280 4.2.1.2"),
    "AIA": Word(
        "authority information access, in a certificate",
        "Where to fetch its issuer's certificate, and whom to ask whether it was revoked (OCSP).",
        "RFC 5280 4.2.2.1",
    ),
    "X.509": Word(
        "the form of certificates",
        "Subject and issuer, names (SAN), key, dates, usages, and the issuer's signature over all of it.",
        "RFC 5280",
    ),
    "CT": Word(
        "Certificate Transparency",
        "Public logs of all certificates. Their receipts (SCTs) come in the certificate, in a staple or in the "
        "extension "
        "signed_certificate_timestamp.",
        "RFC 6962",
    ),
    "chain": Word(
        "certificates from a server's own to a root",
        "The server sends its own and the intermediate ones; the root is in the client's trust store. Without the "
        "intermediate ones many clients fail (tls.cert-incomplete-chain).",
        "RFC 9846 4.5.1",
    ),
    "intermediate": Word(
        "certificate between a server's own and a root",
        "The server has to send it. Browsers may have it from elsewhere, other programs have not: works in one, fails "
        "in "
        "the other.",
        "RFC 9846 4.5.1",
    ),
    "self-signed": Word(
        "a certificate that is its own issuer",
        "Nobody vouches for it: whoever is to trust it must have it installed. Ordinary in WebRTC, where signalling "
        "carries its hash.",
        "RFC 5280 3.2",
    ),
    "wildcard": Word(
        "*.example.org in a certificate",
        "Stands for one label: a.example.org, not a.b.example.org and not example.org.",
        "RFC 9525 6.3",
    ),
    "cipher suite": Word(
        "what protects the connection",
        "Up to TLS 1.2 key exchange, kind of certificate, cipher and hash (TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256); in "
        "TLS 1.3 cipher and hash only (TLS_AES_128_GCM_SHA256). The client lists, the server chooses one.",
        "RFC 9846 4.2.2",
    ),
    "forward secrecy": Word(
        "recordings stay closed",
        "Each connection has keys of its own that are thrown away: who gets the server's private key later can't read "
        "what was recorded. DHE, ECDHE and TLS 1.3 have it; RSA key exchange has not.",
        "RFC 9846",
    ),
    "ECDHE": Word(
        "ephemeral Diffie-Hellman on curves",
        "Both sides make a key pair for this connection only; the certificate's key signs. Gives forward secrecy.",
        "RFC 8422",
    ),
    "DHE": Word(
        "ephemeral Diffie-Hellman in a finite field",
        "As ECDHE, slower; groups below 2048 bits are weak, and many clients refuse them.",
        "RFC 5246 7.4.3; RFC 7919",
    ),
    "RSA key exchange": Word(
        "the client encrypts the secret for the server's key",
        "TLS_RSA_...: no forward secrecy, gone in TLS 1.3. A private key alone opens such a connection "
        "(--private-key).",
        "RFC 5246 7.4.7.1",
    ),
    "AEAD": Word(
        "cipher that encrypts and authenticates at once",
        "AES-GCM, AES-CCM, ChaCha20-Poly1305: all of TLS 1.3, and the good suites of 1.2.",
        "RFC 5116",
    ),
    "GCM": Word("AES-GCM, an AEAD", "The usual cipher of TLS 1.2 and 1.3.", "RFC 5288"),
    "CCM": Word("AES-CCM, an AEAD", "For small devices; CCM_8 has a tag of 8 bytes only.", "RFC 6655"),
    "ChaCha20-Poly1305": Word("an AEAD", "Fast where the processor has no help for AES, as in phones.", "RFC 7905"),
    "CBC": Word(
        "a mode of block ciphers, with a separate MAC",
        "Of TLS 1.2 and before; attacked by timing and by padding (Lucky Thirteen, POODLE). encrypt_then_mac closes "
        "that.",
        "RFC 5246 6.2.3.2",
    ),
    "RC4": Word("a stream cipher", "Broken, and forbidden since 2015.", "RFC 7465"),
    "3DES": Word(
        "a block cipher of 64-bit blocks",
        "Weak by its small blocks (Sweet32); no longer to be used.",
        "RFC 9325 4.1",
    ),
    "ML-KEM": Word(
        "key exchange that a quantum computer does not break",
        "Formerly Kyber. In TLS it comes with a curve as a hybrid: X25519MLKEM768 (4588), SecP256r1MLKEM768 (4587), "
        "SecP384r1MLKEM1024 (4589). The key share makes a ClientHello longer than one segment.",
        "FIPS 203",
    ),
    "post-quantum": Word(
        "safe from quantum computers",
        "Of groups: ML-KEM, alone or as a hybrid with a curve (X25519MLKEM768). Of signatures: ML-DSA, SLH-DSA.",
        "FIPS 203; FIPS 204",
    ),
    "handshake": Word(
        "how two sides agree on version, cipher and keys",
        "TLS 1.3: ClientHello; ServerHello, EncryptedExtensions, Certificate, CertificateVerify, Finished; Finished: "
        "one "
        "round trip. TLS 1.2: two, or one if a session is resumed.",
        "RFC 9846 2",
    ),
    "record": Word(
        "unit of TLS on the wire",
        "Five bytes (type, version, length), then up to 16 KiB: handshake messages, alerts or data. 16 03 01 is the "
        "beginning of a handshake, 15 03 03 of an alert, 17 03 03 of data.",
        "RFC 9846 5.1",
    ),
    "renegotiation": Word(
        "another handshake inside a connection",
        "Up to TLS 1.2; without renegotiation_info it can be attacked (tls.renegotiation-insecure), and OpenSSL 3 "
        "refuses "
        "it. TLS 1.3 has key updates and post-handshake authentication in its place.",
        "RFC 5746",
    ),
    "post-handshake authentication": Word(
        "a client certificate asked for later",
        "In TLS 1.3, with CertificateRequest after the handshake, if the client offered post_handshake_auth.",
        "RFC 9846 4.7.2",
    ),
    "middlebox compatibility": Word(
        "TLS 1.3 dressed as TLS 1.2",
        "A session id that means nothing, ChangeCipherSpec that does nothing, 0x0303 as version: so that old "
        "middleboxes "
        "let it pass. All of it is normal.",
        "RFC 9846 E.4",
    ),
    "CCS": Word(
        "ChangeCipherSpec",
        "Up to TLS 1.2: from here on this side encrypts. In TLS 1.3 it is there for old middleboxes and means nothing.",
        "RFC 5246 7.1; RFC 9846 E.4",
    ),
    "downgrade sentinel": Word(
        "DOWNGRD at the end of the server's random",
        "44 4f 57 4e 47 52 44 and 01 (or 00): a server that has TLS 1.3 (or 1.2) marks an answer with an older "
        "version, "
        "so that a client that offered more sees that somebody meddled.",
        "RFC 9846 4.2.3",
    ),
    "key log": Word(
        "SSLKEYLOGFILE: secrets of connections, written by a program",
        "Lines of label, random of the ClientHello, secret. Set SSLKEYLOGFILE=FILE before the program starts; give it "
        "with "
        "--keylog FILE. Whoever has it can read the recorded connections.",
        "RFC 9850",
    ),
    "premaster secret": Word(
        "what the key exchange gives, up to TLS 1.2",
        "The master secret is made of it, and all keys of that (CLIENT_RANDOM in a key log has the master secret).",
        "RFC 5246 8.1",
    ),
    "Heartbleed": Word(
        "CVE-2014-0160",
        "A heartbeat request that claims more bytes than it has: OpenSSL 1.0.1 to 1.0.1f answered with its memory.",
        "RFC 6520",
    ),
    "POODLE": Word(
        "attack on SSL 3.0's padding",
        "Turn SSL 3.0 off; TLS_FALLBACK_SCSV keeps clients from being led back to it.",
        "RFC 7568; RFC 7507",
    ),
    "Logjam": Word(
        "attack on short Diffie-Hellman groups",
        "Groups of 1024 bits and fewer, and export suites.",
        "RFC 9325 4.1",
    ),
    "Sweet32": Word("attack on 64-bit block ciphers", "3DES in long connections.", "RFC 9325 4.1"),
    "ROBOT": Word(
        "attack on RSA key exchange",
        "Servers that tell good padding from bad. Turn TLS_RSA_... suites off.",
        "RFC 9325 4.1",
    ),
    "SSL": Word(
        "what TLS was called",
        "SSL 2.0 and 3.0 are of 1995 and 1996, broken and forbidden. Today the word means TLS.",
        "RFC 7568; RFC 6176",
    ),
}

#: label of a key log -> what it opens.
LABELS: Final = {
    "CLIENT_RANDOM": "The master secret: opens all of a connection up to TLS 1.2.",
    "CLIENT_EARLY_TRAFFIC_SECRET": "Opens early data (0-RTT).",
    "CLIENT_HANDSHAKE_TRAFFIC_SECRET": "Opens the client's part of the handshake: its certificate and Finished.",
    "SERVER_HANDSHAKE_TRAFFIC_SECRET": "Opens the server's part of the handshake: its certificate and Finished.",
    "CLIENT_TRAFFIC_SECRET_0": "Opens the client's data, and with key updates all that follows.",
    "SERVER_TRAFFIC_SECRET_0": "Opens the server's data, tickets and key updates.",
    "EARLY_EXPORTER_SECRET": "For keys that applications derive from early data. Opens no record.",
    "EXPORTER_SECRET": "For keys that applications derive (exporters). Opens no record.",
    "ECH_SECRET": "Opens the inner hello of Encrypted ClientHello, together with ECH_CONFIG.",
    "ECH_CONFIG": "The configuration that an Encrypted ClientHello was made with.",
}


def _said(program: str, meaning: str) -> Word:
    return Word(f"said by {program}", meaning, "")


#: what programs say -> which program that is, and what it means.
ERRORS: Final[dict[str, Word]] = {
    "no shared cipher": _said(
        "OpenSSL (the server)",
        "No suite of the client can be used: lists that don't overlap, or no certificate of the kind that they need (a "
        "server without any certificate says it too). The client gets handshake_failure.",
    ),
    "SSL_ERROR_NO_CYPHER_OVERLAP": _said(
        "Firefox",
        "The server sent handshake_failure: no suite, group or version in common.",
    ),
    "ERR_SSL_VERSION_OR_CIPHER_MISMATCH": _said(
        "Chromium",
        "The server sent handshake_failure or protocol_version: no version or suite in common, or it does not know the "
        "name in server_name.",
    ),
    "wrong version number": _said(
        "OpenSSL",
        "What came is no TLS record: mostly plain HTTP, a proxy's error page, or a port that wants STARTTLS first "
        "(tls.not-tls).",
    ),
    "packet length too long": _said("OpenSSL", "What came is no TLS record: see wrong version number."),
    "ERR_SSL_PROTOCOL_ERROR": _said(
        "Chromium",
        "What came is no TLS, or breaks its rules: plain HTTP on this port (tls.not-tls), or a fatal alert.",
    ),
    "SSL_ERROR_RX_RECORD_TOO_LONG": _said(
        "Firefox", "What came is no TLS: mostly plain HTTP on this port (tls.not-tls)."
    ),
    "unsupported protocol": _said("OpenSSL", "The other side's version is turned off here: see protocol_version."),
    "certificate verify failed": _said(
        "OpenSSL and what is built on it",
        "The server's certificate was not accepted; the text behind it says why (unable to get local issuer "
        "certificate, "
        "certificate has expired, hostname mismatch). The server gets unknown_ca, certificate_expired or "
        "bad_certificate.",
    ),
    "unable to get local issuer certificate": _said(
        "OpenSSL",
        "The issuer is not in the trust store, and was not sent: a private authority, or an intermediate certificate "
        "that "
        "the server should send (tls.cert-incomplete-chain).",
    ),
    "unable to verify the first certificate": _said(
        "OpenSSL, Node.js",
        "Only the server's own certificate was sent: the intermediate one is missing (tls.cert-incomplete-chain).",
    ),
    "self-signed certificate in certificate chain": _said(
        "OpenSSL",
        "The chain ends in a root that is not trusted here: a private authority, or TLS inspection "
        "(tls.cert-intercepted).",
    ),
    "ERR_CERT_AUTHORITY_INVALID": _said("Chromium", "The issuer is not trusted: see unknown_ca."),
    "SEC_ERROR_UNKNOWN_ISSUER": _said(
        "Firefox", "The issuer is not trusted, or an intermediate certificate is missing."
    ),
    "PKIX path building failed": _said(
        "Java", "No way from the certificate to a root of the trust store: see unknown_ca."
    ),
    "ERR_CERT_COMMON_NAME_INVALID": _said(
        "Chromium", "The name is not among the certificate's: tls.cert-name-mismatch."
    ),
    "ERR_CERT_DATE_INVALID": _said("Chromium", "The certificate has expired or is not valid yet: tls.cert-validity."),
    "certificate has expired": _said("OpenSSL and others", "Compare its dates with the clock: tls.cert-validity."),
    "hostname mismatch": _said(
        "OpenSSL and others", "The name is not among the certificate's: tls.cert-name-mismatch."
    ),
    "dh key too small": _said(
        "OpenSSL", "The server's Diffie-Hellman group is shorter than the client allows (2048 bits)."
    ),
    "ee key too small": _said("OpenSSL", "The certificate's key is shorter than the policy allows: tls.cert-weak."),
    "ca md too weak": _said(
        "OpenSSL", "The certificate is signed with a hash below the policy (SHA-1): tls.cert-weak."
    ),
    "unsafe legacy renegotiation disabled": _said(
        "OpenSSL 3",
        "The server has no renegotiation_info: tls.renegotiation-insecure.",
    ),
    "unexpected eof while reading": _said("OpenSSL 3", "TCP ended without close_notify: tls.truncated-close."),
    "SSL_ERROR_SYSCALL": _said(
        "OpenSSL, curl",
        "TCP ended in the middle of it: tls.handshake-broken-off, tls.truncated-close.",
    ),
    "PR_END_OF_FILE_ERROR": _said("Firefox", "TCP ended during the handshake: tls.handshake-broken-off."),
    "ERR_BAD_SSL_CLIENT_AUTH_CERT": _said(
        "Chromium",
        "The server refused the client certificate, or wanted one and got none.",
    ),
}
