"""Every connection in a capture, explained: annotated timelines and verdicts with evidence."""
