"""A WebRTC session as one thing: its flows, and the signalling that they answer to."""

from __future__ import annotations

from typing import Final

from analyzer.sessions.joiner import Joiner
from analyzer.sessions.webrtc.calls import groups
from analyzer.sessions.webrtc.findings import FINDINGS
from analyzer.sessions.webrtc.tell import tell

WEBRTC: Final = Joiner(groups, tell, FINDINGS)
