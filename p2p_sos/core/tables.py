"""The tables of a node's store: keys and values are bytes that only the core understands."""

from enum import Enum


class Table(Enum):
    """What survives a crash; the value is the table's name on disk."""

    CELL = "cell"  # message id -> arrival (unix seconds, 8 bytes) and the cell
    TOMBSTONE = "tombstone"  # call id -> when its memory may go
    LOG = "log"  # 8-byte number -> one line of the hash-chained watch log
    COUNTER = "counter"  # what must never be used twice: sequences and letter numbers
    SESSION = "session"  # the sealed dialogues: keys, letters out and in
    CASE = "case"  # the victim's own: call key, exchange keys, what was decided
