"""The rules between fields: each refuses what it names, and nothing near it."""

import attrs
import pytest

from p2p_sos.wire.messages import Attest, Claim, Comply, Decline, LogMessage, Message
from p2p_sos.wire.refusals import Reason
from p2p_sos.wire.rules import rule_broken
from tests.wire.samples import smallest

HASH = b"\x01" * 32


def broken(message: Message, **changes: object) -> bool:
    """Whether the message, changed, breaks a rule; it breaks none unchanged."""
    assert rule_broken(message) is None
    refusal = rule_broken(attrs.evolve(message, **changes))
    assert refusal is None or refusal.reason is Reason.RULE
    return refusal is not None


@pytest.mark.parametrize("message_class", [Claim, Comply, Decline])
def test_a_log_is_a_chain_from_its_first_entry(message_class: type[LogMessage]) -> None:
    """Entry 0 has no previous one, every later one has, and either may have heads."""
    entry = smallest(message_class)
    assert broken(entry, previous=HASH)
    assert broken(entry, sequence=1)
    assert not broken(entry, sequence=1, previous=HASH)
    assert not broken(entry, heads=(HASH,))


def test_the_victims_attest_stands_outside_any_log() -> None:
    """An ATTEST may have a sequence and no previous entry, and then has no heads."""
    attest = smallest(Attest)
    assert not broken(attest, sequence=1)
    assert broken(attest, sequence=1, heads=(HASH,))
    assert not broken(attest, sequence=1, previous=HASH, heads=(HASH,))
    assert broken(attest, previous=HASH)
