"""What protocols that begin in clear and turn to TLS on the same stream have in common.  No room of its own."""
