"""SRTP: the RFCs' own vectors, and what does not fit."""

from __future__ import annotations

import pytest

from analyzer.core import Limits, Shared
from analyzer.protocols.rtp import srtp
from captures.rtp import Keys, receiver_report, rtp

KEY = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139")
SALT = bytes.fromhex("0EC675AD498AFEEBB6960B3AABE6")


def test_key_derivation_of_rfc_3711_b3() -> None:
    assert srtp.derive(KEY, SALT, srtp.RTP_KEY, 16).hex().upper() == "C61E7A93744F39EE10734AFE3FF7A087"
    assert srtp.derive(KEY, SALT, srtp.RTP_SALT, 14).hex().upper() == "30CBBC08863D8C85D49DB34A9AE1"
    auth = (
        "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA48F0A0ACF3C34E2359E6CDBCEE049646C43D9327AD175578EF72270"
        "986371C10C9A369AC2F94A8C5FBCDDDC256D6E919A48B610EF17C2041E474035766B68642C59BBFC2F34DB60DBDFB2"
    )
    assert srtp.derive(KEY, SALT, srtp.RTP_AUTH, 94).hex().upper() == auth


def test_counter_mode_of_rfc_3711_b2() -> None:
    key = bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C")
    counter = bytes.fromhex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000")
    assert srtp.aes_ctr(key, counter, bytes(16)).hex().upper() == "E03EAD0935C95E80E166B16DD92B4EB4"


def test_authentication_of_srtp_by_hmac() -> None:
    """The packet of libsrtp's own validation (RFC 3711 defaults: 80 bits of HMAC-SHA1)."""
    half = srtp.Half(srtp.PROFILES[1], KEY, SALT)
    packet = bytes.fromhex("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb")
    assert half.check_rtp(packet, 12, 0)
    assert not half.check_rtp(packet, 12, 1)
    assert not half.check_rtp(packet[:-1] + b"\0", 12, 0)
    assert not half.check_rtp(packet[:20], 12, 0)


def test_srtcp_by_counter_mode_and_hmac() -> None:
    """The SRTCP packet of libsrtp's own validation."""
    half = srtp.Half(srtp.PROFILES[1], KEY, SALT)
    packet = bytes.fromhex("81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798")
    plain = half.open_rtcp(packet)
    assert plain is not None
    assert plain.hex() == "81c8000bcafebabe" + "ab" * 16
    assert half.open_rtcp(packet[:-1] + b"\0") is None
    assert half.open_rtcp(packet[:21]) is None


def test_short_tags_are_for_rtp_only() -> None:
    half = srtp.Half(srtp.PROFILES[2], KEY, SALT)
    packet = bytes.fromhex("800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc")
    assert half.check_rtp(packet, 12, 0)
    srtcp = bytes.fromhex("81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798")
    assert half.open_rtcp(srtcp) is not None


def hmacked(half: srtp.Half, data: bytes) -> bytes:
    import hmac

    return data + hmac.digest(half.rtcp_auth, data, "sha1")[:10]


def test_srtcp_in_clear_is_checked_only() -> None:
    half = srtp.Half(srtp.PROFILES[1], KEY, SALT)
    report = receiver_report(7)
    assert half.open_rtcp(hmacked(half, report + bytes.fromhex("00000003"))) == report


def gcm_half(side: int = 0) -> srtp.Half:
    from captures.dtls import RANDOMS
    from captures.rtp import MASTER, _p_sha256

    material = _p_sha256(MASTER, srtp.EXPORTER_LABEL + RANDOMS[0] + RANDOMS[1], 56)
    return srtp.Association(0, 0, srtp.PROFILES[7], material).halves[side]


def test_gcm_opens_what_another_way_sealed() -> None:
    keys, half = Keys(0), gcm_half()
    sealed = keys.media(rtp(65535, 1, 2), 3)
    assert half.check_rtp(sealed, 12, 3)
    assert not half.check_rtp(sealed, 12, 2)
    assert not gcm_half(1).check_rtp(sealed, 12, 3)
    report = receiver_report(9)
    assert half.open_rtcp(keys.control(report)) == report
    assert half.open_rtcp(keys.control(report)[:-1] + b"\7") is None


def test_gcm_with_srtcp_in_clear() -> None:
    half, report, index = gcm_half(), receiver_report(9), bytes.fromhex("00000005")
    assert half.rtcp_gcm is not None
    nonce = srtp._xored(bytes(2) + report[4:8] + bytes(2) + index, half.rtcp_salt)
    sealed = report + half.rtcp_gcm.encrypt(nonce, b"", report + index) + index
    assert half.open_rtcp(sealed) == report


def exporter(label: bytes, size: int) -> bytes | None:
    assert label == b"EXTRACTOR-dtls_srtp"
    return bytes(range(size))


def test_associations_are_those_of_this_flow_or_else_of_others() -> None:
    shared = Shared(Limits())
    assert srtp.agreements(shared, 5) == []
    for flow, numbers in ((1, (0,)), (5, (1, 3)), (2, (2,))):
        told = tuple((flow, number, 0, exporter) for number in numbers)
        shared.remember(srtp.TABLE, flow.to_bytes(8, "big"), told)
    assert [(one[0], one[1]) for one in srtp.agreements(shared, 5)] == [(5, 3), (5, 1)]
    assert [(one[0], one[1]) for one in srtp.agreements(shared, 9)] == [(2, 2), (5, 3), (5, 1), (1, 0)]
    for flow in range(10, 50):
        shared.remember(srtp.TABLE, flow.to_bytes(8, "big"), ((flow, 7, 0, exporter),))
    assert len(srtp.agreements(shared, 9)) == srtp.MAX_TRIED


@pytest.mark.parametrize("client", [0, 1])
def test_keys_by_side(client: int) -> None:
    made = srtp.association((3, 7, client, exporter))
    assert made is not None
    expected = srtp.derive(bytes(range(16)), bytes(range(32, 44)), srtp.RTCP_KEY, 16)
    assert made.halves[client].rtcp_key == expected
    assert made.flow == 3


def test_without_secrets_or_profile_there_are_no_keys() -> None:
    assert srtp.association((3, 7, 0, lambda *_: None)) is None
    assert srtp.association((3, 99, 0, exporter)) is None
