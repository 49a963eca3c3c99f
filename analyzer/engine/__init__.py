"""Runs the rooms: channels, discovery, limits."""
