"""What comes out: text, JSON, Markdown, CSV."""
