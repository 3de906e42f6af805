"""The board of a call: a grow-only set of signed messages, and what it means."""
