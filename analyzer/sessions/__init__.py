"""Joins what rooms said of several flows into what a person calls one thing; reads notes, never bytes."""

from analyzer.sessions.join import join

__all__ = ["join"]
