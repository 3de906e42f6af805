"""The deterministic world: the core of production under faults that nobody would do to people."""
