"""A sealed dialogue with all its secrets.

Comes in: fixed seeds. Goes out: what becomes JSON.
"""

from typing import Any

import attrs

from p2p_sos.wire import letters
from p2p_sos.wire import registry as r
from p2p_sos.wire.keys import ExchangeKey
from p2p_sos.wire.profiles import PROFILES
from vectors.samples import NETWORK, RESPONDER, RESPONDER_EXCHANGE, VICTIM, VICTIM_EXCHANGE, seed, shown

LONGEST = letters.Content(3, 2, r.LetterKind.TEXT, "\n" * (r.LETTER_PARTS_MAX * r.LETTER_PART_BYTES_MAX - 52))
ACKNOWLEDGEMENT = letters.Content(0, 2**32 - 1, r.LetterKind.ACKNOWLEDGEMENT, "")


def letter_cases() -> dict[str, Any]:
    """A first letter and one each way after it, with every secret; and the same ones in the wrong place."""
    binding = letters.Binding(NETWORK, seed("a call"), RESPONDER.public, 0)
    ephemeral, nonce = ExchangeKey(seed("ephemeral")), seed("nonce", 24)
    hello = letters.Content(1, 0, r.LetterKind.INTRODUCTION, "Leitstelle Bremen, Rückruf 112", b"\x01\x02")
    long = letters.Content(2, 1, r.LetterKind.TEXT, "0123456789" * 400)
    first = letters.seal_first(
        hello, binding, victim_exchange=VICTIM_EXCHANGE.public, exchange=RESPONDER_EXCHANGE,
        signing=RESPONDER, ephemeral=ephemeral,
    )  # fmt: skip
    responder = letters.session_of_responder(RESPONDER_EXCHANGE, VICTIM_EXCHANGE.public)
    victim = letters.session_of_victim(VICTIM_EXCHANGE, RESPONDER_EXCHANGE.public)
    assert isinstance(first, bytes)
    assert isinstance(responder, letters.SessionKeys)
    assert isinstance(victim, letters.SessionKeys)
    answer = attrs.evolve(binding, signer=VICTIM.public, number=3)
    later = [
        ("responder", attrs.evolve(binding, number=1), responder, long),
        ("victim", answer, victim, letters.Content(1, 2, r.LetterKind.ACCEPT, "Bitte kommen")),
        ("responder", attrs.evolve(binding, number=4), responder, LONGEST),
        ("victim", attrs.evolve(answer, number=2**32 - 1), victim, ACKNOWLEDGEMENT),
    ]

    def written(content: letters.Content) -> dict[str, Any]:
        return {name: shown(value) for name, value in attrs.asdict(content, recurse=False).items()}

    return {
        "network": NETWORK.hex(),
        "call": binding.call.hex(),
        "victim": {"signer": VICTIM.public.hex(), "exchange_secret": VICTIM_EXCHANGE.secret.hex()},
        "responder": {"seed": RESPONDER.seed.hex(), "exchange_secret": RESPONDER_EXCHANGE.secret.hex()},
        "sessions": {"responder_to_victim": responder.send.hex(), "victim_to_responder": victim.send.hex()},
        "first": [
            {"content": written(hello), "ephemeral_secret": ephemeral.secret.hex(), "sealed": first.hex()}
        ],
        "later": [
            {
                "writer": writer,
                "number": place.number,
                "nonce": nonce.hex(),
                "content": written(content),
                "sealed": letters.seal_later(content, place, keys=keys, nonce=nonce).hex(),
            }
            for writer, place, keys, content in later
        ],
        "does_not_open": [
            {"why": "a byte changed", "change": {"byte": 100}, "reason": "seal"},
            {"why": "another call", "change": {"call": seed("else").hex()}, "reason": "seal"},
            {"why": "another number", "change": {"number": 7}, "reason": "seal"},
            {
                "why": "another network",
                "change": {"network": PROFILES["public"].network.hex()},
                "reason": "seal",
            },
            {"why": "another signer", "change": {"signer": VICTIM.public.hex()}, "reason": "seal"},
        ],
    }
