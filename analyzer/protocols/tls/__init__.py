"""Transport Layer Security."""
