"""From frames to columns: the compiled kernel, and the slow path for what is rare."""
