"""Joins what rooms said of several flows into what a person calls one thing; reads notes, never bytes."""
