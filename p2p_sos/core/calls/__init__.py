"""What a node takes from others, and what it remembers: the gate, calls, cards, the archive."""
