from __future__ import annotations

import itertools
import sys
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from analyzer.protocols.tls import trust
from analyzer.protocols.tls.certificates import Certificate, certificate
from analyzer.protocols.tls.trust import Roots, Verdict, matches, verify
from tests.protocols.tls.made import DAY, DAY_NS, NOW, NOW_NS, Issued, issue

HOST = "www.example.com"
ROOT = issue("Root", ca=True, start=NOW - 1000 * DAY, end=NOW + 1000 * DAY)
MIDDLE = issue("Middle", ROOT, ca=True, path_length=0)
LEAF = issue("leaf", MIDDLE, names=[HOST, "10.0.0.1", "2001:db8::1"])


def roots_of(*issued: Issued) -> Roots:
    return trust.roots(b"".join(one.pem for one in issued), "the test's roots")


ROOTS = roots_of(ROOT)


def described(*issued: Issued) -> list[Certificate]:
    return [certificate(one.der) for one in issued]


def judge(*issued: Issued, name: str | None = HOST, at: int = NOW_NS, roots: Roots = ROOTS, **more: Any) -> Verdict:
    return verify(described(*issued), name, at, roots, **more)


def reasons(verdict: Verdict) -> list[str]:
    return [problem.reason for problem in verdict.problems]


# names


@pytest.mark.parametrize(
    ("names", "asked", "expected"),
    [
        (["a.example"], "a.example", True),
        (["a.example"], "A.EXAMPLE.", True),
        (["A.example"], "a.example", True),
        (["a.example"], "b.a.example", False),
        (["*.example.com"], "a.example.com", True),
        (["*.example.com"], "example.com", False),
        (["*.example.com"], ".example.com", False),
        (["*.example.com"], "a.b.example.com", False),
        (["*.example.com"], "*.example.com", False),
        (["a*.example.com"], "ab.example.com", False),
        (["*"], "localhost", False),
        (["xn--bcher-kva.example"], "bücher.example", True),
        (["a.example"], "", False),
        (["a.example"], "a" * 70 + "ü.example", False),
        (["10.0.0.1"], "10.0.0.1", True),
        (["10.0.0.1"], "10.0.0.2", False),
        (["2001:db8::1"], "[2001:DB8:0::1]", True),
        (["2001:db8::1"], "2001:db8::1%eth0", True),
        (["a.1"], "a.1", True),
        (["a.example"], "not:an:address", False),
    ],
)
def test_names_match_as_rfc_9525_says(names: list[str], asked: str, expected: bool) -> None:
    assert matches(certificate(issue("x", names=names).der), asked) is expected


def test_address_is_no_dns_name() -> None:
    only_text = issue("x", extra=[(x509.SubjectAlternativeName([x509.DNSName("10.0.0.1")]), False)])
    assert not matches(certificate(only_text.der), "10.0.0.1")


def test_mismatch_says_what_the_certificate_is_for() -> None:
    verdict = judge(LEAF, MIDDLE, name="other.example")
    assert (verdict.trusted, verdict.reason, verdict.index, verdict.sure) == (False, "name-mismatch", 0, True)
    assert HOST in verdict.text
    assert '"other.example"' in verdict.text
    many = issue("many", MIDDLE, names=[f"{number}.example" for number in range(9)])
    assert "and 6 more" in judge(many, MIDDLE).text
    wild = issue("wild", MIDDLE, names=["*.example.com"])
    assert "covers one label only" in judge(wild, MIDDLE, name="a.b.example.com").text
    old = issue(HOST, MIDDLE)
    verdict = judge(old, MIDDLE)
    assert "no subjectAltName" in verdict.text
    assert trust.matches_common_name(certificate(old.der), HOST)
    assert "names no host" in judge(issue("nobody", MIDDLE), MIDDLE).text


# validity


def test_validity_takes_both_ends_in() -> None:
    one = certificate(LEAF.der)
    assert trust.validity(one, one.not_before_ns) is None
    assert trust.validity(one, one.not_after_ns + 999_999_999) is None
    early = trust.validity(one, one.not_before_ns - 1)
    late = trust.validity(one, one.not_after_ns + 3 * DAY_NS)
    assert early is not None
    assert (early.reason, early.by_ns) == ("not-yet-valid", 1)
    assert "less than a minute after this connection" in early.text
    assert late is not None
    assert late.reason == "expired"
    assert late.text == "expired on 2026-09-09T00:00:00Z, 3 days before this connection"
    assert trust.validity(one, 5) is None  # a capture without times
    assert trust.validity(certificate(b"?"), NOW_NS) is None


@pytest.mark.parametrize(
    ("nanoseconds", "words"),
    [
        (1, "less than a minute"),
        (60_000_000_000, "1 minute"),
        (-2 * 3600 * 10**9, "2 hours"),
        (800 * DAY_NS, "2 years"),
    ],
)
def test_durations(nanoseconds: int, words: str) -> None:
    assert trust.duration(nanoseconds) == words


# roots


def test_roots_are_read_from_pem_and_der_with_broken_ones_left_out() -> None:
    broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    assert len(trust.roots(b"words\n" + broken + ROOT.pem + ROOT.pem).hashes) == 1
    assert len(trust.roots(ROOT.der).hashes) == 1
    with pytest.raises(ValueError, match=r"ca\.pem holds no certificate"):
        trust.roots(b"nothing", "ca.pem")


def test_certifi_is_read_once_and_late() -> None:
    roots = trust.roots()
    assert trust.roots() is roots
    assert judge(LEAF, MIDDLE, roots=roots).reason == "untrusted-root"
    assert len(roots.hashes) > 50
    one = next(iter(roots.hashes.values())).describe()
    assert one.self_issued


# chains


def test_good_chain() -> None:
    verdict = judge(LEAF, MIDDLE)
    assert (verdict.trusted, verdict.reason, verdict.problems, verdict.remarks) == (True, "trusted", (), ())
    assert (verdict.path, verdict.root) == ((0, 1), "Root")
    assert '"Root"' in verdict.text
    assert judge(LEAF, MIDDLE, name="10.0.0.1").trusted
    assert judge(LEAF, MIDDLE, name=None).trusted
    assert judge(issue("direct", ROOT, names=[HOST]), name=HOST).path == (0,)
    assert judge(issue("wild", MIDDLE, names=["*.example.com"]), MIDDLE).trusted


def test_what_is_sent_beside_the_chain_is_remarked() -> None:
    stranger = issue("Stranger", ca=True)
    other = issue("Other", stranger, ca=True)
    assert judge(LEAF, LEAF, MIDDLE).remarks == ("the first certificate was sent twice",)
    assert judge(LEAF, MIDDLE, ROOT).remarks == ('the root "Root" was sent, which nobody needs',)
    assert 'the "Other"'[4:] in judge(LEAF, other, MIDDLE).remarks[0]
    second = issue("Second", MIDDLE_LONG, ca=True)
    deep = issue("deep", second, names=[HOST])
    verdict = judge(deep, MIDDLE_LONG, second)
    assert verdict.trusted
    assert verdict.path == (0, 2, 1)
    assert verdict.remarks == ("the certificates were not sent in the order of the chain",)


MIDDLE_LONG = issue("Long", ROOT, ca=True)


def test_nothing_to_judge() -> None:
    assert judge().reason == "not-judged"
    verdict = verify([certificate(b"junk")], HOST, NOW_NS, ROOTS)
    assert (verdict.reason, verdict.index) == ("not-judged", 0)
    verdict = verify([certificate(LEAF.der), certificate(b"junk")], HOST, NOW_NS, ROOTS)
    assert verdict.reason == "unknown-issuer"


def test_self_signed() -> None:
    lone = issue("lone", names=[HOST])
    verdict = judge(lone)
    assert (verdict.reason, verdict.index) == ("self-signed", 0)
    assert judge(lone, roots=roots_of(lone)).trusted
    pretended = issue("leaf", Issued(lone.made, lone.key), names=[HOST])
    assert judge(pretended).reason == "unknown-issuer"


def test_missing_intermediate_is_sure_only_where_the_issuer_can_be_fetched() -> None:
    told = issue("told", MIDDLE, names=[HOST], fetch_from="http://ca.example/middle.der")
    verdict = judge(told)
    assert (verdict.reason, verdict.index, verdict.sure) == ("incomplete-chain", 0, True)
    assert '"Middle"' in verdict.text
    assert "http://ca.example/middle.der" in verdict.text
    assert judge(told, MIDDLE).trusted
    verdict = judge(LEAF)
    assert (verdict.reason, verdict.sure) == ("unknown-issuer", False)
    private = issue("Company Root", ca=True)
    one_level = issue("x", private, names=[HOST], fetch_from="http://ca.example/root.der")
    assert judge(one_level).reason == "unknown-issuer"
    directory = issue("x", MIDDLE, names=[HOST], fetch_from="ldap:///CN=Middle")
    assert judge(directory).reason == "unknown-issuer"


def test_private_root() -> None:
    private = issue("Private", ca=True)
    lower = issue("Lower", private, ca=True)
    leaf = issue("x", lower, names=[HOST])
    assert (judge(leaf, lower, private).reason, judge(leaf, lower, private).sure) == ("untrusted-root", True)
    verdict = judge(leaf, lower)
    assert (verdict.reason, verdict.index, verdict.sure) == ("untrusted-root", 1, False)
    assert judge(leaf, lower, roots=roots_of(private)).trusted


def test_private_ca_that_ignores_the_profile_of_the_web_is_trusted_when_given() -> None:
    private = issue("Plain", ca=True, plain=True)
    leaf = issue("x", private, names=[HOST], plain=True)
    verdict = judge(leaf, roots=roots_of(private))
    assert verdict.trusted
    assert "profile" in verdict.remarks[0]
    modern = ed25519.Ed25519PrivateKey.generate()
    private = issue("Ed", ca=True, with_key=modern, hashed=False)
    leaf = issue("x", private, names=[HOST], hashed=False)
    assert judge(leaf, roots=roots_of(private)).trusted
    nameless = issue("nameless", MIDDLE)
    assert judge(nameless, MIDDLE, name=None).trusted
    assert judge(issue("_odd", MIDDLE, names=["_a b.example"]), MIDDLE, name=None).trusted


def test_validity_of_each_part() -> None:
    old = issue("old", MIDDLE, names=[HOST], end=NOW - 3 * DAY)
    verdict = judge(old, MIDDLE)
    assert (verdict.reason, verdict.index) == ("expired", 0)
    assert "3 days before this connection" in verdict.text
    assert "5 days" in judge(old, MIDDLE, at=NOW_NS + 2 * DAY_NS).text
    assert judge(old, MIDDLE, at=NOW_NS - 4 * DAY_NS).trusted
    young = issue("young", MIDDLE, names=[HOST], start=NOW + DAY)
    assert judge(young, MIDDLE).reason == "not-yet-valid"
    past = issue("Past", ROOT, ca=True, end=NOW - DAY)
    verdict = judge(issue("x", past, names=[HOST]), past)
    assert (verdict.reason, verdict.index) == ("expired", 1)
    assert "number 2 of the chain" in verdict.text
    gone = issue("Gone", ca=True, end=NOW - DAY)
    verdict = judge(issue("x", gone, names=[HOST]), roots=roots_of(gone))
    assert (verdict.reason, verdict.index) == ("expired", None)


def test_capture_without_times_is_not_judged_by_them() -> None:
    assert judge(LEAF, MIDDLE, at=0).trusted


def test_valid_issuer_goes_before_an_expired_one_of_the_same_key() -> None:
    past = issue("Twice", ROOT, ca=True, end=NOW - DAY)
    now = issue("Twice", ROOT, ca=True)
    leaf = issue("x", now, names=[HOST])
    assert judge(leaf, past, now).path == (0, 2)
    assert judge(leaf, now, past).path == (0, 1)
    old_root = issue("Same", ca=True, end=NOW - DAY)
    new_root = issue("Same", ca=True)
    assert judge(issue("x", new_root, names=[HOST]), roots=roots_of(old_root, new_root)).trusted
    assert judge(issue("x", new_root, names=[HOST]), roots=roots_of(new_root, old_root)).trusted


def test_wrong_keys() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    impostor = issue("Middle", ROOT, ca=True, with_key=ec.generate_private_key(ec.SECP256R1()))
    verdict = judge(LEAF, impostor)
    assert (verdict.reason, verdict.index) == ("bad-signature", 0)
    again = issue("Root", ca=True, with_key=ec.generate_private_key(ec.SECP256R1()))
    verdict = judge(issue("x", again, names=[HOST]))
    assert verdict.reason == "bad-signature"
    assert "another CA of the same name" in verdict.text


def test_who_may_sign() -> None:
    no_ca = issue("Nobody", ROOT)
    assert reasons(judge(issue("x", no_ca, names=[HOST]), no_ca)) == ["not-a-ca"]
    silent = issue("Silent", ROOT, ca=True, signs=False)
    assert judge(issue("x", silent, names=[HOST]), silent).reason == "not-a-ca"
    short = issue("Short", ROOT, ca=True, path_length=0)
    lower = issue("Lower", short, ca=True)
    verdict = judge(issue("x", lower, names=[HOST]), lower, short)
    assert (verdict.reason, verdict.index) == ("path-length", 2)
    bound = issue(
        "Mailer", ROOT, ca=True, extra=[(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)]
    )
    verdict = judge(issue("x", bound, names=[HOST]), bound)
    assert (verdict.reason, verdict.index) == ("wrong-usage", 1)


def test_long_path_ends() -> None:
    chain = [ROOT]
    for number in range(12):
        chain.append(issue(f"CA {number}", chain[-1], ca=True))
    leaf = issue("x", chain[-1], names=[HOST])
    assert judge(leaf, *reversed(chain[1:])).reason == "path-length"


def test_name_constraints() -> None:
    def bound(to: str) -> Issued:
        inside = x509.NameConstraints(permitted_subtrees=[x509.DNSName(to)], excluded_subtrees=None)
        return issue(f"Bound to {to}", ROOT, ca=True, extra=[(inside, True)])

    good, bad = bound("example.com"), bound("example.org")
    assert judge(issue("x", good, names=[HOST]), good).trusted
    verdict = judge(issue("x", bad, names=[HOST]), bad)
    assert verdict.reason == "other"
    assert "constraint" in verdict.text
    good = bound("example.com")
    assert judge(issue("x", good, names=[HOST], plain=True), good).trusted


def test_strange_critical_extension() -> None:
    strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0")
    assert judge(issue("x", MIDDLE, names=[HOST], extra=[(strange, True)]), MIDDLE).reason == "other"
    assert judge(issue("x", MIDDLE, names=[HOST], extra=[(strange, False)]), MIDDLE).trusted


def test_usage_and_clients() -> None:
    client = issue("client", MIDDLE, usages=[ExtendedKeyUsageOID.CLIENT_AUTH], names=["c.example"])
    assert judge(client, MIDDLE, as_client=True).trusted
    verdict = judge(client, MIDDLE, name=None)
    assert (verdict.reason, verdict.index) == ("wrong-usage", 0)
    assert judge(LEAF, MIDDLE, as_client=True).reason == "wrong-usage"
    assert judge(issue("x", MIDDLE, names=[HOST], usages=None), MIDDLE).trusted
    nothing_said = issue("client", MIDDLE, usages=None)
    assert judge(nothing_said, MIDDLE, as_client=True).trusted


def test_weak() -> None:
    small = rsa.generate_private_key(65537, 1024)
    leaf = issue("small", MIDDLE, names=[HOST], with_key=small)
    verdict = judge(leaf, MIDDLE)
    assert (verdict.reason, verdict.index) == ("weak", 0)
    assert "RSA key of 1024 bits" in verdict.text
    assert verdict.root == "Root"


def test_wrong_order() -> None:
    verdict = judge(MIDDLE, LEAF)
    assert (verdict.reason, verdict.index) == ("wrong-order", 0)
    assert verdict.problem("name-mismatch") is not None
    assert verdict.problem("weak") is None
    assert "Problem(wrong-order" in repr(verdict.problems[0])


def test_equal_chains_are_judged_once() -> None:
    roots = roots_of(ROOT)
    first = judge(LEAF, MIDDLE, roots=roots)
    assert judge(LEAF, MIDDLE, roots=roots) is first
    assert judge(LEAF, MIDDLE, roots=roots, at=NOW_NS + 50 * DAY_NS) is first
    assert judge(LEAF, MIDDLE, roots=roots, at=NOW_NS + 101 * DAY_NS) is not first


def test_library_that_cannot_verify(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography.x509.verification", None)
    verdict = judge(LEAF, MIDDLE, roots=roots_of(ROOT, MIDDLE_LONG))  # which no other test has had judged
    assert (verdict.reason, verdict.sure) == ("not-judged", False)


POOL = [LEAF, MIDDLE, ROOT, MIDDLE_LONG, issue("lone", names=[HOST])]


@given(
    st.lists(st.one_of(st.sampled_from([one.der for one in POOL]), st.binary(max_size=50)), max_size=5),
    st.one_of(st.none(), st.text(max_size=20)),
    st.integers(0, 1 << 63),
    st.booleans(),
)
def test_anything_is_judged(ders: list[bytes], name: str | None, at: int, as_client: bool) -> None:
    verdict = verify([certificate(der) for der in ders], name, at, ROOTS, as_client)
    assert verdict.trusted == (verdict.reason == "trusted")
    assert verdict.text


def test_hostile_chain_costs_a_bounded_number_of_signatures() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    fakes = [issue("Middle", ROOT, ca=True, with_key=ec.generate_private_key(ec.SECP256R1())) for _ in range(40)]
    assert len({one.der for one in itertools.chain(fakes)}) == 40
    verdict = judge(LEAF, *fakes)
    assert not verdict.trusted
