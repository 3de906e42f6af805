"""The two state machines of the router, as tables: what a message is to us, and what a link is.

Comes in: a state and a step. Goes out: the next state; a pair that does not stand in its table cannot happen.
The drawings in docs/ are made from these tables.
"""

from enum import Enum
from typing import Final


class MessageState(Enum):
    """What a message id is to this router."""

    __hash__ = (
        object.__hash__
    )  # Enum's own is a function of Python, and each message looks into the table often

    UNKNOWN = "unknown"  # never heard of, or forgotten
    ANNOUNCED = "announced"  # a peer says that it holds it
    PENDING = "pending"  # here, and waits for its verdict
    ACCEPTED = "accepted"  # forwarded
    IGNORED = "ignored"  # not forwarded, at nobody's cost
    REJECTED = "rejected"  # not forwarded, at its forwarders' cost


class MessageStep(Enum):
    """What can happen to a message id."""

    __hash__ = (
        object.__hash__
    )  # Enum's own is a function of Python, and each message looks into the table often

    ANNOUNCE = "IHAVE"
    ARRIVE = "arrives in full"
    ACCEPT = "judged: accept"
    IGNORE = "judged: ignore"
    REJECT = "judged: reject"
    PUBLISH = "our own"
    FORGET = "time or space is over"


MESSAGE_TRANSITIONS: Final = {
    (MessageState.UNKNOWN, MessageStep.ANNOUNCE): MessageState.ANNOUNCED,
    (MessageState.UNKNOWN, MessageStep.ARRIVE): MessageState.PENDING,
    (MessageState.UNKNOWN, MessageStep.PUBLISH): MessageState.ACCEPTED,
    (MessageState.ANNOUNCED, MessageStep.ANNOUNCE): MessageState.ANNOUNCED,
    (MessageState.ANNOUNCED, MessageStep.ARRIVE): MessageState.PENDING,
    (MessageState.ANNOUNCED, MessageStep.PUBLISH): MessageState.ACCEPTED,
    (MessageState.ANNOUNCED, MessageStep.FORGET): MessageState.UNKNOWN,
    (MessageState.PENDING, MessageStep.ACCEPT): MessageState.ACCEPTED,
    (MessageState.PENDING, MessageStep.IGNORE): MessageState.IGNORED,
    (MessageState.PENDING, MessageStep.REJECT): MessageState.REJECTED,
    (MessageState.PENDING, MessageStep.PUBLISH): MessageState.ACCEPTED,
    (MessageState.PENDING, MessageStep.FORGET): MessageState.UNKNOWN,
    (MessageState.ACCEPTED, MessageStep.PUBLISH): MessageState.ACCEPTED,
    (MessageState.ACCEPTED, MessageStep.FORGET): MessageState.UNKNOWN,
    (MessageState.IGNORED, MessageStep.PUBLISH): MessageState.ACCEPTED,
    (MessageState.IGNORED, MessageStep.FORGET): MessageState.UNKNOWN,
    (MessageState.REJECTED, MessageStep.PUBLISH): MessageState.ACCEPTED,
    (MessageState.REJECTED, MessageStep.FORGET): MessageState.UNKNOWN,
}


class LinkState(Enum):
    """What the link to a peer is."""

    STRANGER = "stranger"  # connected, and not subscribed to our topic
    LAZY = "lazy"  # gets IHAVE
    EAGER = "eager"  # in the mesh: gets messages in full, at once
    BACKOFF = "backoff"  # lazy, and not to be grafted for a while


class LinkStep(Enum):
    """What can happen to a link."""

    SUBSCRIBE = "subscribes"
    UNSUBSCRIBE = "unsubscribes"
    GRAFT = "GRAFT, sent or taken"
    PRUNE = "PRUNE, sent or taken"
    BACKOFF_OVER = "backoff is over"
    DROP = "dropped"


LINK_TRANSITIONS: Final = {
    (LinkState.STRANGER, LinkStep.SUBSCRIBE): LinkState.LAZY,
    (LinkState.STRANGER, LinkStep.UNSUBSCRIBE): LinkState.STRANGER,
    (LinkState.STRANGER, LinkStep.PRUNE): LinkState.STRANGER,
    (LinkState.STRANGER, LinkStep.DROP): LinkState.STRANGER,
    (LinkState.LAZY, LinkStep.SUBSCRIBE): LinkState.LAZY,
    (LinkState.LAZY, LinkStep.UNSUBSCRIBE): LinkState.STRANGER,
    (LinkState.LAZY, LinkStep.GRAFT): LinkState.EAGER,
    (LinkState.LAZY, LinkStep.PRUNE): LinkState.BACKOFF,
    (LinkState.LAZY, LinkStep.DROP): LinkState.STRANGER,
    (LinkState.EAGER, LinkStep.SUBSCRIBE): LinkState.EAGER,
    (LinkState.EAGER, LinkStep.UNSUBSCRIBE): LinkState.STRANGER,
    (LinkState.EAGER, LinkStep.GRAFT): LinkState.EAGER,
    (LinkState.EAGER, LinkStep.PRUNE): LinkState.BACKOFF,
    (LinkState.EAGER, LinkStep.DROP): LinkState.STRANGER,
    (LinkState.BACKOFF, LinkStep.SUBSCRIBE): LinkState.BACKOFF,
    (LinkState.BACKOFF, LinkStep.UNSUBSCRIBE): LinkState.STRANGER,
    (LinkState.BACKOFF, LinkStep.GRAFT): LinkState.EAGER,  # by the peer, its time being over
    (LinkState.BACKOFF, LinkStep.PRUNE): LinkState.BACKOFF,
    (LinkState.BACKOFF, LinkStep.BACKOFF_OVER): LinkState.LAZY,
    (LinkState.BACKOFF, LinkStep.DROP): LinkState.STRANGER,
}
