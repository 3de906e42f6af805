"""Sealing and opening for one own key: which of the two formats a letter has, and whose it is.

Decides how a letter of a conversation is sealed. Comes in: conversations, contents, sealed bytes. Goes out: signed
cells, contents, or a `Refusal`. Must not know when a letter leaves, nor whether it was seen before.
"""

from collections.abc import Callable

from attrs import define, field

from p2p_sos.core.letters.conversation import Conversation
from p2p_sos.wire import frames, letters
from p2p_sos.wire.frames import Frame
from p2p_sos.wire.hashing import NetworkId
from p2p_sos.wire.keys import ExchangeKey, SigningKey
from p2p_sos.wire.letters import Binding, Content, FirstLetter
from p2p_sos.wire.messages import CallId, Key
from p2p_sos.wire.refusals import Reason, Refusal


@define
class Sealing:
    """`exchange` is the call's exchange key on the victim's side, None at a responder."""

    network: NetworkId
    key: SigningKey = field(repr=False)
    entropy: Callable[[int], bytes] = field(repr=False)
    exchange: ExchangeKey | None = field(default=None, repr=False)

    def agree(self, call: CallId, correspondent: Key, secret: bytes, exchange_key: Key) -> Conversation:
        """A conversation under `secret` (a responder's own; empty at the victim); no keys if none can be agreed."""
        agreed: letters.SessionKeys | Refusal
        if self.exchange is not None:
            agreed = letters.session_of_victim(self.exchange, exchange_key)
        else:
            agreed = letters.session_of_responder(ExchangeKey(secret), exchange_key)
        keys = None if isinstance(agreed, Refusal) else agreed
        initiator = self.exchange is None
        return Conversation(call, correspondent, initiator, secret, exchange_key, keys, trusted=initiator)

    def cells(self, conversation: Conversation, content: Content, number: int) -> list[Frame]:
        """The cells of one letter, numbered from `number`; none if nothing can be sealed to the other side."""
        binding = Binding(self.network, conversation.call, self.key.public, number)
        sealed = self._seal(conversation, content, binding)
        if isinstance(sealed, Refusal):
            return []
        parts = letters.messages_of(sealed, binding)
        return [frames.seal(part, self.network, self.key) for part in parts]

    def _seal(self, conversation: Conversation, content: Content, binding: Binding) -> bytes | Refusal:
        # "Until the victim acknowledges its letter 1, a responder MUST write every letter in the first format."
        # (07-dialogue §4)
        if conversation.introduces_itself:
            return letters.seal_first(
                content, binding, victim_exchange=conversation.exchange_key,
                exchange=ExchangeKey(conversation.secret), signing=self.key,
                ephemeral=ExchangeKey(self.entropy(32)),
            )  # fmt: skip
        assert conversation.keys is not None, "a conversation without keys is never written in"
        nonce = self.entropy(letters.NONCE_BYTES)
        return letters.seal_later(content, binding, keys=conversation.keys, nonce=nonce)

    def read(
        self, conversation: Conversation | None, sealed: bytes, call: CallId, signer: Key, number: int
    ) -> Content | FirstLetter | Refusal:
        """What a letter says; a `FirstLetter` if its signer was not known before."""
        binding = Binding(self.network, call, signer, number)
        if conversation is not None:
            if conversation.keys is None:
                return Refusal(Reason.CLOSED, "the keys are gone")
            later = letters.open_later(sealed, binding, keys=conversation.keys)
            if not isinstance(later, Refusal):
                return later
        if self.exchange is None:
            return Refusal(Reason.SEAL, "not sealed to us")
        first = letters.open_first(sealed, binding, exchange=self.exchange)
        if isinstance(first, Refusal) or conversation is None:
            return first
        # "A victim MUST refuse a first letter that brings another exchange key than the one it knows of its signer."
        # (07-dialogue §4)
        if conversation.exchange_key != first.exchange_key:
            return Refusal(Reason.RULE, "another exchange key of the same responder")
        return first.content
