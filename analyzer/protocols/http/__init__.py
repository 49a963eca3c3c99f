"""What all versions of HTTP have in common; no room of its own (RFC 9110)."""
