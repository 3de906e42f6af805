"""Bytes to messages and back: the only place that knows how e-SOS looks on the wire."""
