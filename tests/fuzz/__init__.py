"""Mutated captures for the readers, the decoder and the engine: `python -m tests.fuzz --seconds 60 --seed 1`."""
