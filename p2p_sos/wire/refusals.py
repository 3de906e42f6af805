"""Why bytes or a message are refused: the reasons, in words that vectors and logs share."""

from enum import Enum

from attrs import frozen


class Reason(Enum):
    """Every reason; the value is the word that stands in vectors, logs and metrics (document 02 §6)."""

    CELL_SIZE = "cell-size"
    FRAME_LENGTH = "frame-length"
    PADDING = "padding"
    MSGPACK = "msgpack"
    TYPE = "type"
    DEPTH = "depth"
    NOT_CANONICAL = "not-canonical"
    KIND = "kind"
    ELEMENTS = "elements"
    FIELD = "field"
    RULE = "rule"
    KEY = "key"
    SIGNATURE = "signature"
    STAMP = "stamp"
    SEAL = "seal"
    EPOCH = "epoch"
    SIGNER = "signer"
    CLOSED = "closed"
    ORPHAN = "orphan"
    BUDGET = "budget"
    BOUND = "bound"
    KNOWN = "known"
    TOPIC = "topic"


@frozen
class Refusal:
    """A reason and a few words about the very case; never an exception."""

    reason: Reason
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.reason.value}: {self.detail}" if self.detail else self.reason.value
