"""What `analyzer explain` knows of TLS: extensions, alerts, suites, groups, signature schemes, versions.

Titles end in a category and a number ("alert 40", "cipher suite 4865 (0x1301)"), by which a number is found too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from analyzer.core import Word
from analyzer.protocols.tls import registries, suites, terms
from analyzer.protocols.tls.findings import KINDS
from analyzer.protocols.tls.names import GREASE, GREASE_VALUES, is_post_quantum

#: alert -> what its sender means; what to look at.
ALERTS: Final = {
    0: "The sender will send no more. Every orderly end begins with it; without it nobody can tell an end from a cut.",
    10: "A message came that has no place here: a wrong order, or a wrong role. Mostly a bug, or a middlebox that "
    "mixes two connections. Look at the message just before the alert.",
    20: "A record could not be opened: its bytes were changed on the way, or the two ends work with different keys. "
    "Look for a middlebox first, then for a wrong pre-shared key or a bug.",
    21: "Old (TLS 1.0): a record could not be decrypted. bad_record_mac took its place, since the difference between "
    "the two told attackers too much.",
    22: "A record was longer than allowed (2^14 bytes and some overhead). Often the bytes are no TLS at all.",
    30: "Old: compressed bytes could not be expanded. Compression of records is no longer used.",
    40: "The two have no set of parameters in common: no cipher suite, no group or no signature scheme that both "
    "allow. Also sent where a client certificate is missing in TLS 1.2. Compare what the ClientHello offers with what "
    "the server allows.",
    41: "SSL 3.0 only: the client has no certificate to show. TLS sends an empty certificate message in its place.",
    42: "The certificate is broken, or its signature does not verify. Look at the certificate and at who sent the "
    "alert: it speaks of the other side's certificate.",
    43: "The certificate is of a kind that the sender cannot use (its key, its signature, its purpose).",
    44: "The certificate was revoked by the authority that issued it. Replace it.",
    45: "The certificate has expired, or is not valid yet: compare its dates with the clocks of both machines.",
    46: "The certificate was not accepted, for a reason that has no alert of its own. The log of the sender knows "
    "more.",
    47: "A field has a value that is not allowed, or that contradicts another. Mostly a bug of the other side, or a "
    "middlebox that changes handshakes.",
    48: "The chain of certificates leads to no authority that the sender trusts: the authority is private, or an "
    "intermediate certificate was not sent. Look at which certificates were sent, and at the sender's trust store.",
    49: "The certificate is valid, and its owner is still not let in: access control. Ask who runs the sender.",
    50: "A message could not be read: a length is wrong or bytes are missing. A bug, or something on the way that "
    "damages messages.",
    51: "A signature or a Finished message did not verify. The two ends saw different handshakes, or a key does not "
    "belong to its certificate; in resumption with a pre-shared key, that the keys differ.",
    52: "The other side asks for more connection identifiers than the sender wants to give (DTLS 1.3).",
    60: "Old (TLS 1.0): what was negotiated breaks the export rules of the 1990s.",
    70: "The version that the other side offers is not supported: mostly a client that is limited to TLS 1.0 or 1.1, "
    "or a server that has not learnt TLS 1.2 yet. Compare supported_versions with what the server allows.",
    71: "The server wants stronger parameters than the client offers. Like handshake_failure, but by policy.",
    80: "The sender failed for a reason of its own (memory, a lost key, a bug). Look in its log.",
    86: "The client says that it tried a higher version before (TLS_FALLBACK_SCSV), and the server could do better "
    "than this one: somebody made the first try fail. Find out why it did.",
    90: "The sender gives up the handshake for a reason that is no error. close_notify should follow.",
    100: "Renegotiation was asked for, and is refused; the connection may go on (TLS 1.2 and before).",
    109: "An extension that this handshake cannot do without is missing.",
    110: "A message has an extension that was not asked for, or that has no place in it.",
    111: "Old: a certificate could not be fetched from the address that the client gave in its place.",
    112: "The server has no site of the name in server_name. Look at the name, and at the server's configuration: it "
    "names no default, or the name goes to the wrong server.",
    113: "The stapled OCSP response was not accepted: too old, of another certificate, or wrongly signed. Look at the "
    "server's stapling, and at its clock.",
    114: "Old: what was fetched from a certificate's address does not have the promised hash.",
    115: "The server does not know the identity of the pre-shared key that the client offers, and has no other way.",
    116: "The server wants a client certificate, and got none. In TLS 1.3 it comes after the client's Finished, so the "
    "client may believe that the handshake went well.",
    117: "Something is wrong that has no alert of its own.",
    120: "The server speaks none of the protocols that the client offers by ALPN. Compare the client's list with the "
    "server's configuration (h2, http/1.1, ...).",
    121: "The client's encrypted hello could not be opened by the server: its keys are out of date. The client should "
    "try again with the new ones, or read the HTTPS record of DNS again.",
}

#: extension -> what it is for.
EXTENSIONS: Final = {
    0: "SNI: the name of the host that the client wants to reach, in clear, so that one address can serve many names. "
    "Without it the server shows its default certificate.",
    1: "Asks for records of 512 to 4096 bytes at most; for small devices. record_size_limit is its successor.",
    2: "The client may send an address to fetch its certificate from, in place of the certificate. Hardly used.",
    3: "Which authorities the client trusts, to help the server choose a certificate. Hardly used.",
    4: "Asks for MACs of 10 bytes. Weak, and not to be used.",
    5: "Asks the server to staple an OCSP response, which shows that its certificate was not revoked.",
    6: "Tells user names together with a client certificate.",
    7: "Which formats of authorization data the client can send.",
    8: "Which formats of authorization data the client would take from the server.",
    9: "Which types of certificate are understood (X.509, OpenPGP). client_certificate_type and "
    "server_certificate_type are its successors.",
    10: "The groups for key exchange (curves, finite fields, post-quantum hybrids) that the client allows, best first.",
    11: "How points of curves may be written; only uncompressed is still in use.",
    12: "The user's name, for a login by password inside the handshake (SRP).",
    13: "The signature schemes that the sender can verify, best first. The other side must sign with one of them.",
    14: "Which protections of media (SRTP) may be keyed by this DTLS handshake; in every WebRTC call.",
    15: "Whether heartbeat requests may be sent. Known for Heartbleed; rarely used.",
    16: "ALPN: which protocols the client would speak inside (h2, http/1.1, ...); the server chooses one.",
    17: "As status_request, for several certificates of the chain. Not for TLS 1.3.",
    18: "Asks for proof that the certificate was entered in public logs (Certificate Transparency), or brings it.",
    19: "Which types of certificate the client can show: X.509, or a raw public key.",
    20: "Which types of certificate the server may show: X.509, or a raw public key.",
    21: "Zeros that make the ClientHello longer: some servers fail with hellos of 256 to 511 bytes.",
    22: "CBC suites encrypt first and then authenticate, which closes a row of attacks. TLS 1.2 and before.",
    23: "Binds the master secret to the whole handshake, against an attack by somebody between the two (triple "
    "handshake). TLS 1.2 and before; it should always be there.",
    24: "Binds cookies and tokens to a key of the client. No longer used by browsers.",
    25: "The client names what it has already (certificates), so that the server may leave it out.",
    26: "A frozen, hardened form of TLS 1.2 for devices that live long.",
    27: "Which compressions of certificates the client understands (zlib, brotli, zstd): shorter handshakes.",
    28: "How long the records may be that the sender is willing to receive.",
    29: "A user name, encrypted, for a login by password (TLS-PWD).",
    30: "A user name in clear, for a login by password (TLS-PWD).",
    31: "The salt of a password, for a login by password (TLS-PWD).",
    32: "Recognizes a server again by a secret from an earlier visit.",
    33: "Uses a certificate and a pre-shared key of outside together.",
    34: "The server may sign with a short-lived key that its certificate's key vouches for.",
    35: "The client shows a ticket from an earlier session, or asks for one by sending none: resumption without "
    "state on the server (TLS 1.2 and before).",
    36: "TLMSP: TLS with middleboxes that both ends know of.",
    37: "TLMSP: middleboxes that act as proxies.",
    38: "TLMSP: middleboxes that a client leaves the choice to.",
    39: "Which ciphers may carry keys of encrypted media that a conference server must not know.",
    40: "As key_share, by an earlier draft of TLS 1.3.",
    41: "The keys from earlier sessions (or of outside) that the client would go on with, and proof that it has them. "
    "Always the last extension. The server answers which one it took.",
    42: "The client sends data in its first flight (0-RTT); the server repeats the extension if it takes them. In a "
    "ticket: how much may be sent so. Such data can be replayed by an attacker.",
    43: "The versions that the client would speak; the server's answer is the version that counts. The field version "
    "of the hello stays at TLS 1.2 for the sake of old middleboxes.",
    44: "The server gives it in a HelloRetryRequest, and the client shows it again: proof that it can be reached.",
    45: "Whether a resumed session makes fresh keys too (psk_dhe_ke) or relies on the old one alone (psk_ke).",
    46: "How much early data a ticket allows, by an earlier draft of TLS 1.3.",
    47: "The authorities that the sender trusts, to help the other side choose a certificate.",
    48: "Which properties a client certificate should have.",
    49: "The client is willing to show a certificate later, after the handshake.",
    50: "As signature_algorithms, but for the signatures inside certificates.",
    51: "The public keys for the key exchange: some by the client, in advance, one by the server. If the server wants "
    "another group it says so in a HelloRetryRequest, which costs a round trip.",
    52: "Asks for proof of Certificate Transparency, version 2, or brings it.",
    53: "A connection identifier, by an early draft; not to be used.",
    54: "By which identifier the sender of this wants to be reached, so that a DTLS connection outlives a change of "
    "address.",
    55: "Binds the handshake to an identity asserted in the signalling of WebRTC.",
    56: "Binds the handshake to one session description of WebRTC (tls-id).",
    57: "The limits and settings of a QUIC connection: idle time, flow control, connection identifiers.",
    58: "How many tickets the client would like to have.",
    59: "Asks for DNSSEC proof of the server's keys (DANE), or brings it.",
    60: "How DTLS encrypts its record numbers.",
    61: "Both sides can test whether a new address really belongs to the other (DTLS with connection identifiers).",
    62: "Features that are only switched on or off, one bit for each.",
    4832: "Asks the server to pad its handshake. An experiment of Chromium.",
    13172: "NPN: the predecessor of ALPN, used for SPDY.",
    17513: "ALPS: settings of the inner protocol (HTTP/2) inside the handshake. The number that Chromium used first.",
    17613: "ALPS: settings of the inner protocol (HTTP/2) inside the handshake. Only Chromium uses it.",
    30031: "As channel_id, by an earlier number.",
    30032: "Channel ID: the client proves that it holds the same key as before. No longer used.",
    51764: "Which roots the client trusts, by short numbers, so that the server can choose the right chain.",
    64768: "Inside an encrypted hello: extensions that are the same in the outer one, by number.",
    65034: "The encrypted hello by an earlier draft.",
    65037: "ECH: the true ClientHello, encrypted to a key from DNS; the outer one shows only a public name. Clients "
    "also send a made-up one (GREASE), so its presence alone says little.",
    65281: "Shows that both know whether this is the first handshake of the connection: closes an attack on "
    "renegotiation. TLS 1.2 and before.",
    65283: "Shorter record headers; an experiment.",
    65445: "The transport parameters of QUIC, by the number of its drafts.",
    65486: "ESNI: the encrypted server name of early drafts, before encrypted_client_hello.",
}

#: group -> its other names, and what it is.
GROUPS: Final = {
    23: "The NIST curve P-256 (prime256v1). Supported nearly everywhere; about 128 bits strong.",
    24: "The NIST curve P-384. About 192 bits strong.",
    25: "The NIST curve P-521. About 256 bits strong, and slow.",
    29: "Curve25519: fast, the usual choice. About 128 bits strong.",
    30: "Curve448 (Goldilocks). About 224 bits strong.",
    41: "The Chinese curve SM2.",
    4587: "A hybrid of P-256 and ML-KEM-768: as strong as the stronger of the two. The client's key has 1249 bytes.",
    4588: "A hybrid of X25519 and ML-KEM-768: as strong as the stronger of the two. What browsers use since 2024. The "
    "client's key has 1216 bytes, so the ClientHello no longer fits in one packet, which some middleboxes and servers "
    "do not survive.",
    4589: "A hybrid of P-384 and ML-KEM-1024: as strong as the stronger of the two. The client's key has 1665 bytes.",
    25497: "X25519 with Kyber, the draft of ML-KEM: what Chrome used until version 130. Replaced by X25519MLKEM768.",
    25498: "P-256 with Kyber, the draft of ML-KEM. Replaced by SecP256r1MLKEM768.",
}

#: extension -> what others call it.
EXTENSION_ALIASES: Final = {13: ("sigalgs",), 22: ("EtM",), 23: ("EMS",), 35: ("ticket extension",)}

#: group -> what others call it.
GROUP_ALIASES: Final = {
    23: ("prime256v1", "P-256", "NIST P-256"),
    24: ("P-384", "NIST P-384"),
    25: ("P-521", "NIST P-521"),
    29: ("Curve25519",),
    30: ("Curve448",),
}

#: What to do about what RFC and registry say of a suite, group or scheme.
_RECOMMENDED: Final = {
    "Y": "IANA: recommended.",
    "N": "IANA: not among those it recommends.",
    "D": "IANA: discouraged.",
    "": "Not registered by IANA.",
}

#: version -> what became of it.
VERSIONS: Final = {
    0x0002: "From 1995; broken, and forbidden since 2011.",
    0x0300: "From 1996; broken (POODLE), and forbidden since 2015 (RFC 7568).",
    0x0301: "From 1999; deprecated since 2021 (RFC 8996).",
    0x0302: "From 2006; deprecated since 2021 (RFC 8996).",
    0x0303: "From 2008; still in wide use. As a field of a hello or a record it also stands for TLS 1.3, which keeps "
    "the number for the sake of old middleboxes: supported_versions says what is meant.",
    0x0304: "From 2018: one round trip, forward secrecy always, certificates encrypted.",
    0xFEFC: "From 2022: TLS 1.3 over datagrams.",
    0xFEFD: "From 2012: TLS 1.2 over datagrams; what WebRTC uses.",
    0xFEFF: "From 2006: TLS 1.1 over datagrams; deprecated since 2021 (RFC 8996).",
}

#: Words that are no entry of a registry.
_OTHERS: Final = {
    GREASE: Word(
        "reserved values",
        "A number that means nothing, sent on purpose so that servers stay used to ignoring what they do not know. As "
        f"a suite, group, version or extension: {', '.join(f'0x{value:04X}' for value in sorted(GREASE_VALUES))}.",
        "RFC 8701",
    ),
    "SNI": Word("the extension server_name", EXTENSIONS[0], "RFC 6066 3"),
    "ALPN": Word("the extension application_layer_protocol_negotiation", EXTENSIONS[16], "RFC 7301"),
    "ECH": Word("the extension encrypted_client_hello", EXTENSIONS[65037], "RFC 9849"),
    "SCT": Word("signed certificate timestamp", EXTENSIONS[18], "RFC 6962"),
    "NPN": Word("the extension next_protocol_negotiation", EXTENSIONS[13172], "draft-agl-tls-nextprotoneg"),
    "ALPS": Word("the extension application_settings", EXTENSIONS[17613], "draft-vvv-tls-alps"),
    "0-RTT": Word("early data", EXTENSIONS[42], "RFC 9846 2.3"),
    "PSK": Word(
        "pre-shared key",
        "A key that both have already: from an earlier session (resumption), or set up by hand. No certificate is "
        "shown.",
        "RFC 9846 2.2",
    ),
    "JA3": Word(
        "fingerprint of a ClientHello",
        "The MD5 of its version, suites, extensions, groups and point formats in the order sent. Programs with the "
        "same TLS library share one; browsers that shuffle their extensions have a new one each time (see JA4).",
        "",
    ),
    "JA3S": Word("fingerprint of a ServerHello", "The MD5 of the version, the suite and the extensions chosen.", ""),
    "JA4": Word(
        "fingerprint of a ClientHello",
        "t13d1516h2_8daaf6152771_e5627efa2ab1: transport (t TCP, q QUIC, d DTLS), highest version, d with a server "
        "name or i without, number of suites, number of extensions, ends of the first protocol of ALPN; then hashes of "
        "the sorted suites, and of the sorted extensions with the signature algorithms.",
        "",
    ),
}

#: Key exchanges whose suites OpenSSL has, or had.
_OPENSSL_EXCHANGES: Final = frozenset(
    ("RSA", "DHE_RSA", "DHE_DSS", "ECDHE_RSA", "ECDHE_ECDSA", "ECDH_RSA", "ECDH_ECDSA", "DH_anon", "ECDH_anon", "PSK",
     "DHE_PSK", "ECDHE_PSK", "RSA_PSK")
)  # fmt: skip

#: How OpenSSL writes parts of a suite's name, in the order in which they are replaced.
_OPENSSL: Final = (
    ("_WITH_", "-"),
    ("AES_128_CBC", "AES128"),
    ("AES_256_CBC", "AES256"),
    ("AES_128", "AES128"),
    ("AES_256", "AES256"),
    ("ARIA_128", "ARIA128"),
    ("ARIA_256", "ARIA256"),
    ("3DES_EDE_CBC", "DES-CBC3"),
    ("CAMELLIA_128_CBC", "CAMELLIA128"),
    ("CAMELLIA_256_CBC", "CAMELLIA256"),
    ("CAMELLIA_128", "CAMELLIA128"),
    ("CAMELLIA_256", "CAMELLIA256"),
    ("CHACHA20_POLY1305_SHA256", "CHACHA20-POLY1305"),
    ("RC4_128", "RC4"),
    ("SEED_CBC", "SEED"),
    ("IDEA_CBC", "IDEA-CBC"),
    ("CCM_8", "CCM8"),
    ("ECDH_anon", "AECDH"),
    ("DH_anon", "ADH"),
    ("_", "-"),
)


def openssl_names(name: str) -> tuple[str, ...]:
    """The names that OpenSSL gives to a suite of TLS 1.2, the present one first; none where they follow no rule."""
    exchange, with_, cipher = name.removeprefix("TLS_").partition("_WITH_")
    if not with_:
        return ()
    if exchange.startswith("SRP_SHA"):
        return (f"SRP{exchange.removeprefix('SRP_SHA')}_{cipher}".replace("_", "-"),)
    exchange = "DHE_PSK" if exchange == "PSK_DHE" else exchange
    if exchange not in _OPENSSL_EXCHANGES:
        return ()
    if "PSK" in exchange and cipher.startswith(("AES", "3DES")):
        cipher = cipher.replace("_CBC_", "-CBC-").replace("3DES_EDE", "3DES-EDE")  # the mode is named nowhere else
    if cipher.startswith("ARIA"):
        if not cipher.endswith(("GCM_SHA256", "GCM_SHA384")):
            return ()
        exchange = exchange.removesuffix("_RSA") if exchange == "ECDHE_RSA" else exchange
    text = cipher if exchange == "RSA" else f"{exchange}_WITH_{cipher}"
    for ours, theirs in _OPENSSL:
        text = text.replace(ours, theirs)
    if text.startswith("DHE-") and "-DES-" in text:
        return text, text.replace("DHE", "EDH", 1)  # as it was before 1.1.0
    return (text,)


class Words(Mapping[str, Word]):
    """Every word, worked out when one is first asked for."""

    __slots__ = ("_made",)

    def __init__(self) -> None:
        self._made: dict[str, Word] = {}

    def _words(self) -> dict[str, Word]:
        if not self._made:
            self._made = made()
        return self._made

    def __getitem__(self, word: str) -> Word:
        return self._words()[word]

    def __iter__(self) -> Iterator[str]:
        return iter(self._words())

    def __len__(self) -> int:
        return len(self._words())


def made() -> dict[str, Word]:
    """All words by name: those of the registries, then the others."""
    # Only who asks for an explanation pays for the references.
    from analyzer.protocols.tls import references

    found: dict[str, Word] = {}
    for value, name in registries.ALERTS.items():
        found[name] = Word(f"alert {value}", ALERTS.get(value, ""), references.ALERTS[value][1])
    for value, name in registries.EXTENSIONS.items():
        recommended, reference = references.EXTENSIONS[value]
        status = "" if recommended in ("Y", "N") else _RECOMMENDED[recommended]
        meaning = _said(EXTENSIONS.get(value, ""), status)
        found[name] = Word(f"extension {value}", meaning, reference, EXTENSION_ALIASES.get(value, ()))
    for value, name in registries.CIPHER_SUITES.items():
        recommended, reference = references.CIPHER_SUITES[value]
        dtls = "Not for DTLS." if value in references.NOT_FOR_DTLS else ""
        meaning = _said(_suite(value, name), _RECOMMENDED[recommended], dtls)
        found[name] = Word(f"cipher suite {value} (0x{value:04X})", meaning, reference, openssl_names(name))
    for value, name in registries.SUPPORTED_GROUPS.items():
        recommended, reference = references.SUPPORTED_GROUPS[value]
        meaning = _said(GROUPS.get(value) or _group(value, name), _RECOMMENDED[recommended])
        aliases = GROUP_ALIASES.get(value, ())
        found[name] = Word(f"group {value} (0x{value:04X})", meaning, reference, aliases)
    for value, name in registries.SIGNATURE_SCHEMES.items():
        recommended, reference = references.SIGNATURE_SCHEMES[value]
        status = "Only in TLS 1.2." if not recommended and value < 0x0700 else _RECOMMENDED[recommended]
        found[name] = Word(f"signature scheme {value} (0x{value:04X})", _said(_scheme(name), status), reference)
    for value, name in registries.VERSIONS.items():
        meaning = VERSIONS.get(value) or _version(value)
        found[name] = Word(f"version {value} (0x{value:04X})", meaning, references.VERSIONS[value][1])
    for identifier, protocol in registries.ALPN.items():
        found.setdefault(
            identifier, Word(f"ALPN {identifier}", f"Stands for {protocol}.", references.ALPN[identifier][1])
        )
    for value, name in registries.HANDSHAKE_TYPES.items():
        kind = KINDS.get(f"tls.{name.replace('_', '-')}")
        meaning = terms.MESSAGES[value] if kind is None else kind.meaning
        aliases = ("NST",) if name == "new_session_ticket" else ()
        found[name] = Word(f"handshake type {value}", meaning, references.HANDSHAKE_TYPES[value][1], aliases)
    for value, name in registries.CONTENT_TYPES.items():
        word = Word(f"record content type {value} (0x{value:02X})", terms.RECORDS[value], "RFC 9846 5.1")
        found[f"{name} record"] = word
    for value, name in registries.CERTIFICATE_COMPRESSION.items():
        reference = references.CERTIFICATE_COMPRESSION[value][1]
        found[name] = Word(f"certificate compression {value}", terms.COMPRESSIONS[value], reference)
    for value, name in registries.PSK_MODES.items():
        found[name] = Word(f"PSK mode {value}", terms.PSK_MODES[value], references.PSK_MODES[value][1])
    for value, name in registries.QUIC_TRANSPORT_PARAMETERS.items():
        title = f"QUIC transport parameter {value} (0x{value:02X})"
        meaning = (
            f"In the extension quic_transport_parameters: {_FORMS[registries.QUIC_TRANSPORT_PARAMETER_FORMS[value]]}."
        )
        found[name] = Word(title, meaning, references.QUIC_TRANSPORT_PARAMETERS[value][1])
    for label, meaning in terms.LABELS.items():
        found[label] = Word("label of a key log (SSLKEYLOGFILE)", meaning, "RFC 9850 2")
    return found | terms.ERRORS | terms.TERMS | _OTHERS


#: Forms of QUIC's transport parameters -> how they are told.
_FORMS: Final = {
    "int": "a number",
    "flag": "there or not",
    "hex": "bytes",
    "text": "text",
    "address": "addresses",
    "versions": "versions",
}


def _said(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


#: How suites spell key exchanges -> what happens.
_EXCHANGES: Final = {
    "RSA": "the client encrypts the secret to the server's RSA key",
    "DH": "Diffie-Hellman with the key in the server's certificate",
    "DHE": "ephemeral Diffie-Hellman",
    "EDH": "ephemeral Diffie-Hellman, signed by nobody",
    "ECDH": "Diffie-Hellman on curves with the key in the server's certificate",
    "ECDHE": "ephemeral Diffie-Hellman on curves",
    "EECDH": "ephemeral Diffie-Hellman on curves, signed by nobody",
    "PSK": "a pre-shared key",
    "SRP": "a password (SRP)",
    "KRB5": "Kerberos",
    "ECCPWD": "a password (TLS-PWD)",
    "NULL": "none",
}


def _suite(value: int, name: str) -> str:
    """The parts of a suite, and how good it is."""
    if value == 0x00FF:
        return "No cipher: a signal of the client that it knows of secure renegotiation (see renegotiation_info)."
    if value == 0x5600:
        return (
            "No cipher: a signal of the client that it retries with a lower version. A server that can do better "
            "answers with the alert inappropriate_fallback."
        )
    parts = suites.suite(value, name)
    if parts is None:
        exchange, with_, cipher = name.partition("_")[2].replace("_", "-").partition("-WITH-")
        weak = "Made weak on purpose, for export." if "EXPORT" in name else ""
        return _said(f"Key exchange: {exchange}. Cipher and hash: {cipher}." if with_ else "A cipher suite.", weak)
    cipher = parts.cipher.replace("_", "-")
    if parts.version13:
        first = f"TLS 1.3. Cipher: {cipher}. Hash: {parts.prf_hash}. Key exchange and authentication are agreed apart."
    else:
        exchange = parts.key_exchange.partition("_")[0]
        who = {"anon": "nobody", "NULL": "nobody"}.get(parts.authentication, parts.authentication)
        how = _EXCHANGES.get("E" + exchange if who == "nobody" else exchange, _EXCHANGES.get(exchange, exchange))
        guard = f"MAC: {parts.mac}" if parts.mac else f"Hash: {parts.prf_hash}"
        first = f"Key exchange: {how}. Authentication: {who}. Cipher: {cipher}. {guard}."
    called = " or ".join(openssl_names(name))
    return _said(first, suites.strength(parts), f"OpenSSL calls it {called}." if called else "")


def _group(value: int, name: str) -> str:
    """What can be told of a group by its name."""
    if is_post_quantum(value):
        return "A key exchange that a quantum computer does not break, or a hybrid with one."
    if name.startswith("ffdhe"):
        return f"A fixed finite field of {name.removeprefix('ffdhe')} bits for Diffie-Hellman."
    if name.startswith("arbitrary"):
        return "Curves that the other side describes itself. Not to be used."
    return "An elliptic curve."


def _scheme(name: str) -> str:
    """What can be told of a signature scheme by its name."""
    if name.startswith("rsa_pss_rsae"):
        return "RSA with padding PSS, by an ordinary RSA key."
    if name.startswith("rsa_pss_pss"):
        return "RSA with padding PSS, by a key that is for PSS only."
    if name.startswith("rsa_pkcs1"):
        weak = _broken(name)
        legacy = " For client certificates of old smart cards." if name.endswith("legacy") else ""
        return f"RSA with padding PKCS #1 1.5; in TLS 1.3 only inside certificates.{weak}{legacy}"
    if name.startswith("ecdsa"):
        weak = _broken(name)
        return f"ECDSA; in TLS 1.3 the curve is fixed by the scheme.{weak}"
    if name.startswith("dsa_"):
        return "DSA. No longer used."
    if name.startswith("ed"):
        return "EdDSA, with a curve by Edwards."
    if name.startswith(("mldsa", "slhdsa")):
        return "A signature that a quantum computer does not forge."
    return "A signature scheme of a country's own standards, or an experiment."


def _broken(scheme: str) -> str:
    """What speaks against the hash of a scheme."""
    return " SHA-1 is broken." if scheme.endswith("sha1") else " MD5 is broken." if scheme.endswith("md5") else ""


def _version(value: int) -> str:
    if value >> 8 in (0x7E, 0x7F, 0xFB):
        return "TLS 1.3 before it was finished: both ends must mean the same draft."
    return "A version of a relative of TLS."


WORDS: Final[Mapping[str, Word]] = Words()
