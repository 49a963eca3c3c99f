"""Whether a certificate is for a name, is valid at a time, and leads to a root that is trusted; if not, why not.

Everything is judged as of the time of the capture and without a network (RFC 5280 §6, RFC 9525 §6).
"""

from __future__ import annotations

import warnings
from bisect import bisect_right
from datetime import UTC, datetime
from functools import cache, lru_cache
from hashlib import sha256
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from analyzer.core import Malformed
from analyzer.protocols.tls.certificates import Certificate, Recent, Shape, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography import x509
    from cryptography.x509.verification import Store

MAX_CHAIN: Final = 32  # certificates of a chain that are looked at
MAX_PATH: Final = 10  # certificates from the leaf to the root
MAX_SIGNATURES: Final = 32  # checked for one verdict
MAX_VERDICTS: Final = 4096  # kept; twice that at most
MAX_NAMES_TOLD: Final = 3  # names of a certificate in a sentence

# What a verdict says, by the order in which it is said.
TRUSTED: Final = "trusted"
NOT_JUDGED: Final = "not-judged"  # the chain is empty or its first certificate can't be read
WRONG_ORDER: Final = "wrong-order"  # the server's own certificate is not the first
EXPIRED: Final = "expired"
NOT_YET_VALID: Final = "not-yet-valid"
NAME_MISMATCH: Final = "name-mismatch"
BAD_SIGNATURE: Final = "bad-signature"
NOT_A_CA: Final = "not-a-ca"
PATH_LENGTH: Final = "path-length"
SELF_SIGNED: Final = "self-signed"
INCOMPLETE_CHAIN: Final = "incomplete-chain"  # surely: the issuer is a public CA's intermediate, and was not sent
UNKNOWN_ISSUER: Final = "unknown-issuer"  # a private CA that was rightly not sent, or an intermediate that is missing
UNTRUSTED_ROOT: Final = "untrusted-root"
WRONG_USAGE: Final = "wrong-usage"
WEAK: Final = "weak"
OTHER: Final = "other"
ORDER: Final = (
    NOT_JUDGED,
    WRONG_ORDER,
    EXPIRED,
    NOT_YET_VALID,
    NAME_MISMATCH,
    BAD_SIGNATURE,
    NOT_A_CA,
    PATH_LENGTH,
    SELF_SIGNED,
    INCOMPLETE_CHAIN,
    UNTRUSTED_ROOT,
    UNKNOWN_ISSUER,
    WRONG_USAGE,
    WEAK,
    OTHER,
)

#: 1990: a capture with times before it has none that mean anything.
FIRST_NS: Final = 631_152_000 * 1_000_000_000
SECOND_NS: Final = 1_000_000_000
MINUTE_NS: Final = 60 * SECOND_NS
SPANS: Final = (("year", 365 * 24 * 60), ("day", 24 * 60), ("hour", 60), ("minute", 1))  # in minutes


# --- names, RFC 9525 --------------------------------------------------------------------------------------------------


def _host(name: str) -> str:
    """A host name to compare: lower case, A-labels, no dot at its end; empty when it can't be one."""
    text = name.strip().removesuffix(".").lower()
    if not text.isascii():
        try:
            text = text.encode("idna").decode("ascii")
        except UnicodeError:
            return ""
    return text


def _address(name: str) -> bytes | None:
    """The packed address that `name` is, None when it is none."""
    if ":" in name or name[-1:].isdigit():
        try:
            return ip_address(name.strip("[]").partition("%")[0]).packed
        except ValueError:
            return None
    return None


def matches(certificate: Certificate, server_name: str) -> bool:
    """Tell whether the certificate is for `server_name`, a host name or an address (RFC 9525 §6.3, §6.4, §6.5).

    A `*` stands for exactly one label, the left-most.  The common name does not count.
    """
    packed = _address(server_name)
    if packed is not None:
        return packed in certificate.addresses
    host = _host(server_name)
    return bool(host) and _covered(host, certificate.dns_names)


def _covered(host: str, names: frozenset[str]) -> bool:
    if host in names or f"{host}." in names:
        return "*" not in host
    first, _, rest = host.partition(".")
    return bool(first) and bool(rest) and f"*.{rest}" in names


def matches_common_name(certificate: Certificate, server_name: str) -> bool:
    """Tell whether the common name would match: clients of long ago accepted that, those of today don't."""
    if certificate.common_name is None:
        return False
    return _covered(_host(server_name), frozenset((certificate.common_name.lower(),)))


def _mismatch(certificate: Certificate, server_name: str) -> str:
    """Why `server_name` doesn't match, in words."""
    name = printable(server_name, 256)
    names = [text for text in certificate.fields.get("subject_alternative_names", ()) if ":" not in text[:10]]
    if not certificate.dns_names and not certificate.addresses:
        if matches_common_name(certificate, server_name):
            return (
                f'only the common name is "{name}": the certificate has no subjectAltName, and clients no longer look '
                "at the common name"
            )
        return f'the certificate names no host (its subject is "{certificate.subject_text}"), so not "{name}" either'
    more = max(len(certificate.dns_names) + len(certificate.addresses) - MAX_NAMES_TOLD, 0)
    told = ", ".join(names[:MAX_NAMES_TOLD]) + (f" and {more} more" if more else "")
    host = _host(server_name)
    deeper = [name for name in names if name.startswith("*.") and host.endswith(name[1:].lower())]
    if deeper:
        return f'the certificate is for {told}, not for "{name}": {deeper[0]} covers one label only'
    return f'the certificate is for {told}, not for "{name}"'


# --- validity ---------------------------------------------------------------------------------------------------------


def duration(nanoseconds: int) -> str:
    """A length of time in words: "3 days", "2 years"."""
    minutes = abs(nanoseconds) // MINUTE_NS
    for word, size in SPANS:
        if minutes >= size:
            count = minutes // size
            return f"{count} {word}{'s' if count > 1 else ''}"
    return "less than a minute"


class Invalid:
    """That a certificate was not valid at a time: `reason` is "expired" or "not-yet-valid"."""

    __slots__ = ("by_ns", "reason", "text")

    def __init__(self, reason: str, by_ns: int, text: str) -> None:
        self.reason = reason
        self.by_ns = by_ns
        self.text = text


def validity(certificate: Certificate, at_ns: int) -> Invalid | None:
    """None when the certificate was valid at `at_ns` or its times can't be read, else what is wrong and by how much.

    Both ends belong to the time of validity (RFC 5280 §4.1.2.5).  A time before 1990 is none: nothing is judged.
    """
    if at_ns < FIRST_NS or certificate.loaded is None or "not_after" not in certificate.fields:
        return None
    if at_ns < certificate.not_before_ns:
        by = certificate.not_before_ns - at_ns
        when = certificate.fields["not_before"]
        return Invalid(NOT_YET_VALID, by, f"is not valid before {when}, {duration(by)} after this connection")
    if at_ns >= certificate.not_after_ns + SECOND_NS:
        by = at_ns - certificate.not_after_ns
        when = certificate.fields["not_after"]
        return Invalid(EXPIRED, by, f"expired on {when}, {duration(by)} before this connection")
    return None


# --- roots ------------------------------------------------------------------------------------------------------------


class Anchor:
    """A root of the trust store."""

    __slots__ = ("described", "loaded", "sha256")

    def __init__(self, loaded: x509.Certificate, digest: str) -> None:
        self.loaded = loaded
        self.sha256 = digest
        self.described: Certificate | None = None

    def describe(self) -> Certificate:
        if self.described is None:
            from cryptography.hazmat.primitives.serialization import Encoding

            from analyzer.protocols.tls.certificates import certificate

            self.described = certificate(self.loaded.public_bytes(Encoding.DER))
        return self.described


class Roots:
    """Trust anchors, read when they are first asked for.  `source` says in words where they are from."""

    __slots__ = ("_anchors", "_store", "hashes", "ready", "source", "subjects", "verdicts")

    def __init__(self, source: str) -> None:
        self.source = source
        self.ready = False
        self.subjects: dict[bytes, list[Anchor]] = {}  # by DER of the subject
        self.hashes: dict[str, Anchor] = {}
        self.verdicts: Recent[_Kept] = Recent(MAX_VERDICTS)
        self._anchors: list[x509.Certificate] = []
        self._store: Store | None = None

    def take(self, loaded: Sequence[x509.Certificate]) -> None:
        """Take these certificates as the anchors."""
        from cryptography.hazmat.primitives.serialization import Encoding

        for one in loaded:
            der = one.public_bytes(Encoding.DER)
            try:
                shape = Shape(der)
            except Malformed:
                continue
            anchor = Anchor(one, sha256(der).hexdigest())
            if anchor.sha256 not in self.hashes:
                self.hashes[anchor.sha256] = anchor
                self.subjects.setdefault(shape.raw(shape.subject), []).append(anchor)
                self._anchors.append(one)
        self.ready = True

    def load(self) -> None:
        """Read certifi's list, unless there are anchors already."""
        if self.ready:
            return
        import certifi
        from cryptography import x509

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.take(x509.load_pem_x509_certificates(certifi.contents().encode("ascii")))

    def store(self) -> Store:
        if self._store is None:
            from cryptography.x509.verification import Store

            self._store = Store(self._anchors)
        return self._store


@cache
def _certifi() -> Roots:
    return Roots("Mozilla's roots as certifi has them")


@lru_cache(maxsize=4)
def roots(pem: bytes | None = None, source: str = "the given CA file") -> Roots:
    """The trust anchors in `pem` (certificates in PEM, or one in DER); None: certifi's, read when first needed.

    Raises ValueError, with a sentence, when `pem` holds no certificate that can be read.
    """
    if pem is None:
        return _certifi()
    from cryptography import x509

    found: list[x509.Certificate] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        end = b"-----END CERTIFICATE-----"
        for block in pem.split(end)[:-1]:
            try:
                found += x509.load_pem_x509_certificates(block + end)
            except ValueError:
                continue
        if not found:
            try:
                found.append(x509.load_der_x509_certificate(pem))
            except ValueError:
                raise ValueError(f"{source} holds no certificate, neither in PEM nor in DER") from None
    given = Roots(source)
    given.take(found)
    return given


# --- verdicts ---------------------------------------------------------------------------------------------------------


class Problem:
    """One thing wrong with a chain.

    `index` is the certificate at fault in the chain as it was sent, None for a root of the trust store.  `sure` is
    False where the capture alone can't tell a fault from a private CA at work.
    """

    __slots__ = ("index", "reason", "sure", "text")

    def __init__(self, reason: str, text: str, index: int | None, sure: bool = True) -> None:
        self.reason = reason
        self.text = text
        self.index = index
        self.sure = sure

    def __repr__(self) -> str:
        return f"Problem({self.reason}, {self.text!r}, {self.index}, {self.sure})"


class Verdict:
    """What is thought of a chain.  `problems` has all that is wrong, the first being `reason`, `text`, `index`, `sure`.

    `path` are the indices from the leaf upwards that make the chain, `root` the name of the anchor that it ends in.
    `remarks` are sentences on what is odd and harmless.
    """

    __slots__ = ("index", "path", "problems", "reason", "remarks", "root", "sure", "text", "trusted")

    def __init__(
        self,
        problems: tuple[Problem, ...],
        text: str,
        path: tuple[int, ...] = (),
        root: str | None = None,
        remarks: tuple[str, ...] = (),
    ) -> None:
        first = problems[0] if problems else Problem(TRUSTED, text, None)
        self.problems = problems
        self.trusted = not problems
        self.reason = first.reason
        self.text = first.text
        self.index = first.index
        self.sure = first.sure
        self.path = path
        self.root = root
        self.remarks = remarks

    def problem(self, reason: str) -> Problem | None:
        """The problem of this kind, where there is one."""
        for one in self.problems:
            if one.reason == reason:
                return one
        return None


class _Kept:
    """A verdict, and the times between which it holds."""

    __slots__ = ("high", "low", "verdict")

    def __init__(self, verdict: Verdict, low: int, high: int) -> None:
        self.verdict = verdict
        self.low = low
        self.high = high


def verify(
    chain: Sequence[Certificate], server_name: str | None, at_ns: int, anchors: Roots, as_client: bool = False
) -> Verdict:
    """Judge a chain as it was sent, the sender's own certificate first, at `at_ns` (ns since 1970).

    `server_name` is the name that the client asked for, None when it asked for none: then no name is judged, nor is
    it `as_client`, for the certificate of a client.  Equal chains cost a look-up.  A time before 1990 is none: then all
    is judged as of the day that the last of them became valid.
    """
    if at_ns < FIRST_NS and chain:
        at_ns = max([one.not_before_ns for one in chain[:MAX_CHAIN]])
    key = (tuple([one.sha256 for one in chain[: MAX_CHAIN + 1]]), server_name, as_client)
    kept = anchors.verdicts.get(key)
    if kept is not None and kept.low <= at_ns < kept.high:
        return kept.verdict
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        anchors.load()
        judge = _Judge(chain[:MAX_CHAIN], None if as_client else server_name, at_ns, anchors, as_client)
        verdict = judge.verdict()
    low, high = _holds(chain[:MAX_CHAIN], anchors, at_ns)
    if any(problem.reason in (EXPIRED, NOT_YET_VALID) for problem in verdict.problems):  # the words tell how long
        low, high = max(low, at_ns // MINUTE_NS * MINUTE_NS), min(high, (at_ns // MINUTE_NS + 1) * MINUTE_NS)
    anchors.verdicts.put(key, _Kept(verdict, low, high))
    return verdict


def _holds(chain: Sequence[Certificate], anchors: Roots, at_ns: int) -> tuple[int, int]:
    """The times from and before which no certificate that matters starts or ends to be valid."""
    ends: set[int] = set()
    for one in chain:
        ends.update((one.not_before_ns, one.not_after_ns + SECOND_NS))
        for anchor in anchors.subjects.get(one.issuer_raw, ()):
            root = anchor.describe()
            ends.update((root.not_before_ns, root.not_after_ns + SECOND_NS))
    ordered = sorted(ends)
    at = bisect_right(ordered, at_ns)
    return ordered[at - 1] if at else -(1 << 80), ordered[at] if at < len(ordered) else 1 << 80


GOOD: Final = 1  # signatures
BAD: Final = 0
UNKNOWN: Final = -1  # of a kind that can't be checked


class _Judge:
    """Looks for the path from the leaf to a root, and writes down what is wrong on the way."""

    __slots__ = (
        "anchor",
        "anchors",
        "as_client",
        "at_ns",
        "chain",
        "left",
        "path",
        "problems",
        "remarks",
        "server_name",
        "unchecked",
    )

    def __init__(
        self, chain: Sequence[Certificate], server_name: str | None, at_ns: int, anchors: Roots, as_client: bool
    ) -> None:
        self.chain = chain
        self.server_name = server_name
        self.at_ns = at_ns
        self.anchors = anchors
        self.as_client = as_client
        self.left = MAX_SIGNATURES
        self.path: list[int] = []
        self.anchor: Anchor | None = None
        self.problems: list[Problem] = []
        self.remarks: list[str] = []
        self.unchecked: int | None = None  # the certificate whose signature can't be checked

    def wrong(self, reason: str, text: str, index: int | None, sure: bool = True) -> None:
        self.problems.append(Problem(reason, text, index, sure))

    def called(self, index: int) -> str:
        """A certificate of the chain in words, with its place where it is not the first."""
        name = self.chain[index].subject_text
        if index == 0:
            return f'the certificate of "{name}"'
        return f'the CA certificate "{name}" (number {index + 1} of the chain)'

    def verdict(self) -> Verdict:
        if not self.chain:
            return Verdict((Problem(NOT_JUDGED, "no certificate was sent", None),), "")
        leaf = self.chain[0]
        if leaf.loaded is None:
            return Verdict((Problem(NOT_JUDGED, f"the certificate can't be read ({leaf.malformed})", 0),), "")
        try:
            self.look_at_leaf()
            named = self.problems
            self.problems = []
            self.find_path()
            self.look_at_path()
            words = self.ask_library()
            if words is None:  # it may have found another path; what it lets pass and browsers don't stays
                self.problems = [problem for problem in self.problems if problem.reason == WEAK]
            elif not self.problems and not self.accepted_without_profile():
                self.wrong(OTHER, f"the chain is refused: {words}", 0)
            elif not self.problems:
                self.remarks.append(f"the profile of the CA/Browser Forum is not met: {words}")
        except ImportError:  # of a version that can't verify
            return Verdict((Problem(NOT_JUDGED, "the installed cryptography can't verify chains", None, False),), "")
        problems = sorted(named + self.problems, key=lambda problem: ORDER.index(problem.reason))
        self.look_at_the_rest()
        root = self.anchor.describe().subject_text if self.anchor is not None else None
        called = f'"{root}"' if root is not None else "a root"
        text = f"the chain leads to {called}, which is among {self.anchors.source}"
        return Verdict(tuple(problems), text, tuple(self.path), root, tuple(self.remarks))

    # what the leaf says of itself

    def look_at_leaf(self) -> None:
        leaf = self.chain[0]
        self.look_at_validity(0)
        if leaf.is_ca and not leaf.self_issued:
            for index, other in enumerate(self.chain):
                if not other.is_ca and other.issuer_raw == leaf.subject_raw and other.loaded is not None:
                    self.wrong(
                        WRONG_ORDER,
                        f'the chain starts with the CA certificate "{leaf.subject_text}", its own certificate '
                        f'"{other.subject_text}" comes {index + 1}.: it has to be the first',
                        0,
                    )
                    break
        if self.server_name is not None and not matches(leaf, self.server_name):
            self.wrong(NAME_MISMATCH, _mismatch(leaf, self.server_name), 0)
        self.look_at_purpose(0)

    def look_at_purpose(self, index: int) -> None:
        purposes = self.chain[index].extended_key_usage
        wanted = "clientAuth" if self.as_client else "serverAuth"
        if purposes is not None and wanted not in purposes and "anyExtendedKeyUsage" not in purposes:
            who = "client" if self.as_client else "server"
            told = ", ".join(purposes[:MAX_NAMES_TOLD]) or "nothing"
            self.wrong(
                WRONG_USAGE,
                f"{self.called(index)} is for {told}, not for a TLS {who} ({wanted}): extendedKeyUsage",
                index,
            )

    def look_at_validity(self, index: int) -> None:
        invalid = validity(self.chain[index], self.at_ns)
        if invalid is not None:
            self.wrong(invalid.reason, f"{self.called(index)} {invalid.text}", index)

    # the way to a root

    def signed(self, subject: Certificate, issuer: x509.Certificate) -> int:
        """Whether `issuer` has signed `subject`: GOOD, BAD or UNKNOWN."""
        from cryptography.exceptions import InvalidSignature

        if self.left <= 0 or subject.loaded is None:
            return UNKNOWN
        self.left -= 1
        try:
            subject.loaded.verify_directly_issued_by(issuer)
        except InvalidSignature:
            return BAD
        except Exception:  # an algorithm or a key that the library doesn't know or refuses
            return UNKNOWN
        return GOOD

    def find_path(self) -> None:
        at = 0
        for _ in range(MAX_PATH):
            self.path.append(at)
            current = self.chain[at]
            self.anchor = self.anchors.hashes.get(current.sha256) or self.anchor_above(at)
            if self.anchor is not None:
                return
            above = self.next_above(at)
            if above is None:
                self.end_of_path(at)
                return
            at = above
        self.wrong(PATH_LENGTH, f"the chain has more than {MAX_PATH} certificates", at)

    def anchor_above(self, index: int) -> Anchor | None:
        """The root that has signed this certificate; one that is valid at the time goes before others."""
        found: Anchor | None = None
        for anchor in self.anchors.subjects.get(self.chain[index].issuer_raw, ()):
            state = self.signed(self.chain[index], anchor.loaded)
            if state == BAD:
                continue
            if state == UNKNOWN:
                self.unchecked = index
            if found is None or validity(anchor.describe(), self.at_ns) is None:
                found = anchor
        return found

    def next_above(self, index: int) -> int | None:
        """The index of the certificate sent that has signed this one; one that is valid goes before others."""
        current = self.chain[index]
        found: int | None = None
        for other, candidate in enumerate(self.chain):
            if other in self.path or candidate.loaded is None or candidate.subject_raw != current.issuer_raw:
                continue
            state = self.signed(current, candidate.loaded)
            if state == BAD:
                continue
            if state == UNKNOWN:
                self.unchecked = index
            valid = candidate.is_ca and validity(candidate, self.at_ns) is None
            if found is None or (valid and validity(self.chain[found], self.at_ns) is not None):
                found = other
        return found

    def end_of_path(self, index: int) -> None:
        """Say why the path ends here without a root."""
        current = self.chain[index]
        issuer = current.issuer_text or "a CA without a name"
        if current.self_issued and current.loaded is not None and self.signed(current, current.loaded) != BAD:
            if index == 0:
                self.wrong(SELF_SIGNED, f"{self.called(0)} is signed by itself and not among {self.anchors.source}", 0)
            else:
                self.wrong(
                    UNTRUSTED_ROOT,
                    f'the chain ends in the root "{current.subject_text}", which is not among {self.anchors.source}: '
                    "a private CA, or one that is no longer trusted",
                    index,
                )
            return
        named = [
            other
            for other, candidate in enumerate(self.chain)
            if candidate.subject_raw == current.issuer_raw and other not in self.path
        ]
        if named:
            self.wrong(
                BAD_SIGNATURE,
                f'{self.called(index)} is not signed by the key of "{self.chain[named[0]].subject_text}" that was sent',
                index,
            )
        elif self.anchors.subjects.get(current.issuer_raw):
            self.wrong(
                BAD_SIGNATURE,
                f'{self.called(index)} names "{issuer}" as its issuer, but is not signed by the key which that CA has '
                f"among {self.anchors.source}: another CA of the same name, or a renewed one",
                index,
            )
        elif index == 0 and self.public_intermediate(current):
            where = f"; it can be fetched from {current.ca_issuers[0]}" if current.ca_issuers else ""
            self.wrong(
                INCOMPLETE_CHAIN,
                f'the chain lacks "{issuer}", which has signed {self.called(0)} and is an intermediate: the server has '
                f"to send it{where}",
                0,
            )
        elif index == 0:
            self.wrong(
                UNKNOWN_ISSUER,
                f'{self.called(0)} is issued by "{issuer}", which was not sent and is not among '
                f"{self.anchors.source}: a private CA, or an intermediate that is missing",
                0,
                sure=False,
            )
        else:
            self.wrong(
                UNTRUSTED_ROOT,
                f'the chain ends at "{issuer}", which was not sent and is not among {self.anchors.source}: a private '
                "CA, or one that is no longer trusted",
                index,
                sure=False,
            )

    def public_intermediate(self, current: Certificate) -> bool:
        """Whether the issuer, which was not sent, must be an intermediate and not a private root.

        A public CA leaves its marks in what it issues, and no longer issues from its root.  Else it takes a place to
        fetch the issuer from, and a name that isn't a root's: private CAs with one level only also write that place.
        """
        fetched = any(url.lower().startswith(("http://", "https://")) for url in current.ca_issuers)
        return fetched and (current.publicly_issued or "root" not in current.issuer_text.lower())

    def look_at_path(self) -> None:
        """The rules for those that sign: RFC 5280 §6.1.4."""
        below = 0  # intermediates under the one looked at, those signed by themselves left out
        for depth, index in enumerate(self.path):
            one = self.chain[index]
            if index and depth:
                self.look_at_validity(index)
                if not one.is_ca and one.sha256 not in self.anchors.hashes:
                    self.wrong(NOT_A_CA, f"{self.called(index)} has signed another, but is not a CA", index)
                elif one.key_usage is not None and "keyCertSign" not in one.key_usage:
                    self.wrong(NOT_A_CA, f"{self.called(index)} may not sign certificates (keyUsage)", index)
                if one.path_length is not None and below > one.path_length:
                    self.wrong(
                        PATH_LENGTH,
                        f"{self.called(index)} allows {one.path_length} CAs below it, {below} are there",
                        index,
                    )
                self.look_at_purpose(index)
                below += not one.self_issued
            if one.weaknesses and one.sha256 not in self.anchors.hashes:
                self.wrong(WEAK, f"{self.called(index)} has {' and '.join(one.weaknesses)}", index)
        if self.anchor is not None and self.anchor.sha256 != self.chain[self.path[-1]].sha256:
            root = self.anchor.describe()
            invalid = validity(root, self.at_ns)
            if invalid is not None:
                self.wrong(invalid.reason, f'the root "{root.subject_text}" {invalid.text}', None)
        if self.unchecked is not None and not self.problems:
            self.wrong(
                OTHER,
                f"the signature of {self.called(self.unchecked)} is of a kind that can't be checked",
                self.unchecked,
                sure=False,
            )

    # the library's opinion

    def intermediates(self) -> list[x509.Certificate]:
        return [one.loaded for one in self.chain[1:] if one.loaded is not None]

    def ask_library(self) -> str | None:
        """None when the library accepts the chain by the rules for the web, else why not in its words.

        The name is one that the certificate has: it is judged apart.
        """
        from cryptography.x509.verification import PolicyBuilder, VerificationError

        leaf = self.chain[0].loaded
        if leaf is None:
            return "unread"
        try:
            builder = PolicyBuilder().store(self.anchors.store()).time(self.when())
            if self.as_client:
                builder.build_client_verifier().verify(leaf, self.intermediates())
                return None
            subject = self.own_name()
            if subject is None:
                return "the certificate has no subjectAltName"
            builder.build_server_verifier(subject).verify(leaf, self.intermediates())
        except VerificationError as refused:
            return _words(refused)
        except Exception as failed:  # what it says of hostile certificates is not only VerificationError
            return _words(failed)
        return None

    def own_name(self) -> x509.DNSName | x509.IPAddress | None:
        """A name that the certificate has."""
        from cryptography.x509 import DNSName, IPAddress

        leaf = self.chain[0]
        for packed in leaf.addresses:
            return IPAddress(ip_address(packed))
        for name in sorted(leaf.dns_names)[:MAX_NAMES_TOLD]:
            try:
                return DNSName(f"a{name[1:]}" if name.startswith("*.") else name)
            except ValueError:
                continue
        return None

    def when(self) -> datetime:
        seconds = min(max(self.at_ns // SECOND_NS, 0), 253_402_300_799)  # to the end of the year 9999
        return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)

    def accepted_without_profile(self) -> bool:
        """Whether the chain holds by RFC 5280 alone: private CAs often don't follow the profile for the web."""
        if self.chain[0].sha256 in self.anchors.hashes:
            return True  # what is trusted by itself needs no chain
        leaf = self.chain[0].loaded
        if leaf is None:
            return False
        if not self.has_constraints():
            return True  # all that RFC 5280 asks for was looked at here
        try:
            from cryptography.x509 import BasicConstraints
            from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder

            any_leaf = ExtensionPolicy.permit_all()
            any_ca = ExtensionPolicy.permit_all().require_present(BasicConstraints, Criticality.AGNOSTIC, None)
            builder = PolicyBuilder().store(self.anchors.store()).time(self.when())
            builder = builder.extension_policies(ca_policy=any_ca, ee_policy=any_leaf)
            builder.build_client_verifier().verify(leaf, self.intermediates())
        except Exception:  # refused, or the installed version has no such policies
            return False
        return True

    def has_constraints(self) -> bool:
        """Whether the path has what only the library can judge: name constraints, strange critical extensions."""
        from cryptography.x509 import NameConstraints, UnrecognizedExtension

        path = [self.chain[index].loaded for index in self.path]
        if self.anchor is not None:
            path.append(self.anchor.loaded)
        for one in path:
            try:
                for extension in one.extensions if one is not None else ():
                    strange = isinstance(extension.value, UnrecognizedExtension) and extension.critical
                    if strange or isinstance(extension.value, NameConstraints):
                        return True
            except Exception:  # an extension that can't be read
                return True
        return False

    def look_at_the_rest(self) -> None:
        """What was sent and is not needed."""
        leaf = self.chain[0].sha256
        twice = [index for index in range(1, len(self.chain)) if self.chain[index].sha256 == leaf]
        if twice:
            self.remarks.append("the first certificate was sent twice")
        rest = [index for index in range(1, len(self.chain)) if index not in self.path and index not in twice]
        last = self.path[-1]
        roots_sent = [index for index in rest if self.chain[index].self_issued]
        if last and self.chain[last].self_issued:
            roots_sent.insert(0, last)
        for index in roots_sent[:MAX_NAMES_TOLD]:
            self.remarks.append(f'the root "{self.chain[index].subject_text}" was sent, which nobody needs')
        for index in [index for index in rest if index not in roots_sent][:MAX_NAMES_TOLD]:
            self.remarks.append(f'"{self.chain[index].subject_text}" was sent and is no part of the chain')
        if self.path != sorted(self.path):
            self.remarks.append("the certificates were not sent in the order of the chain")


def _words(refused: Exception) -> str:
    """What the library says, without its preamble."""
    text = str(refused).removeprefix("validation failed: ").removeprefix("candidates exhausted: ")
    return printable(text.partition(" (encountered processing")[0], 200)
