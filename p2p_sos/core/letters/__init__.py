"""The sealed dialogue of both sides: conversations, repeats, acknowledgements."""
