"""What a request says: its JSON body, ids, words; and the answers that say what was wrong with it.

In comes a Starlette request. Out go values of the protocol, or a `Fault` with a status, a slug and a sentence that names
the next step. Asks nothing of the node.
"""

import json
from collections.abc import AsyncGenerator, Iterable, Mapping
from contextlib import aclosing
from enum import IntEnum
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse

from p2p_sos.drivers.cells import read_cell
from p2p_sos.wire.registry import Certainty, Nature, Need, Sector, Severity, Urgency
from p2p_sos.wire.vocabulary import Unknown, language_code, lookup, mask_of

BODY_BYTES_MAX = 64 * 1024  # guess: a letter of eight parts has 15 KB
KEY_DIGITS = 64
Member = TypeVar("Member", bound=IntEnum)


class Fault(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.code = code
        self.sentence = sentence

    def response(self) -> JSONResponse:
        """The JSON that the client gets."""
        return JSONResponse({"error": self.sentence, "code": self.code}, self.status)


async def body_of(request: Request, allowed: Iterable[str]) -> dict[str, Any]:
    """The JSON object of a request; an empty body is an empty object. Raises `Fault`."""
    content = bytearray()
    try:
        async with aclosing(_pieces(request)) as pieces:
            async for piece in pieces:
                content += piece
                if len(content) > BODY_BYTES_MAX:
                    most = f"A request has at most {BODY_BYTES_MAX} bytes: say it shorter."
                    raise Fault(413, "too-large", most)
    except ClientDisconnect as gone:
        raise Fault(400, "cut-short", "The request ended before its body did.") from gone
    if not content:
        return {}
    try:
        body = json.loads(bytes(content))
    except (ValueError, RecursionError) as error:
        raise Fault(400, "bad-json", f"The body is no JSON: {error}.") from error
    if not isinstance(body, dict):
        raise Fault(400, "no-object", "The body is JSON, but no object in braces.")
    names = tuple(allowed)
    for name in body:
        if name not in names:
            listed = ", ".join(names) or "nothing"
            raise Fault(400, "unknown-field", f"{name!r} has no meaning here: the body may hold {listed}.")
    return body


def _pieces(request: Request) -> AsyncGenerator[bytes, None]:
    stream = request.stream()
    assert isinstance(stream, AsyncGenerator)  # Starlette writes it as one
    return stream


def text_in(body: Mapping[str, Any], name: str, *, default: str | None = None) -> str:
    """A text field. Raises `Fault`."""
    value = body.get(name, default)
    if not isinstance(value, str):
        raise Fault(400, "no-text", f"The field {name!r} must be text.")
    try:
        value.encode()
    except UnicodeEncodeError as error:  # half a surrogate pair: JSON can write it, no letter can carry it
        raise Fault(
            400, "no-text", f"The field {name!r} holds half a character: write it in UTF-8."
        ) from error
    return value


def word_in(body: Mapping[str, Any], name: str, vocabulary: type[Member], default: Member) -> Member:
    """A word of a vocabulary. Raises `Fault` with the nearest right word."""
    if name not in body:
        return default
    member = lookup(vocabulary, text_in(body, name))
    if isinstance(member, Unknown):
        raise Fault(400, "unknown-word", f"{name}: {member}")
    return member


def key_in(body: Mapping[str, Any], name: str) -> bytes:
    """A public key as 64 hexadecimal digits. Raises `Fault`."""
    return _key(text_in(body, name), name)


def keys_in(body: Mapping[str, Any], name: str) -> tuple[bytes, ...]:
    """A list of public keys, ascending and each once. Raises `Fault`."""
    listed = body.get(name, [])
    if not isinstance(listed, list) or not all(isinstance(entry, str) for entry in listed):
        raise Fault(400, "no-list", f"The field {name!r} must be a list of keys.")
    return tuple(sorted({_key(entry, name) for entry in listed}))


def _key(text: str, name: str) -> bytes:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(text) != KEY_DIGITS or len(key) != KEY_DIGITS // 2:
        raise Fault(
            400, "no-key", f"{name}: {text[:80]!r} is no key: a key has {KEY_DIGITS} hexadecimal digits."
        )
    return key


def one_of(prefix: str, ids: Iterable[bytes], what: str) -> bytes:
    """The one id that begins with these digits. Raises `Fault`."""
    typed = prefix.strip().lower()
    if not typed or any(digit not in "0123456789abcdef" for digit in typed):
        raise Fault(400, "no-id", f"{prefix[:80]!r} is no {what}: an id begins with hexadecimal digits.")
    found = [identity for identity in ids if identity.hex().startswith(typed)]
    if not found:
        raise Fault(
            404, f"no-{what}", f"No {what} here begins with {prefix[:80]!r}; `sos {what}s` lists them."
        )
    if len(found) > 1:
        some = ", ".join(sorted(identity.hex()[:12] for identity in found)[:4])
        raise Fault(
            400, "ambiguous", f"{len(found)} {what}s begin with {prefix!r} ({some}): type more digits."
        )
    return found[0]


_CHANGES: dict[str, type[IntEnum]] = {
    "severity": Severity,
    "urgency": Urgency,
    "certainty": Certainty,
    "nature": Nature,
    "sector": Sector,
}
CHANGE_NAMES = (*_CHANGES, "needs", "languages", "cell")


def changes_in(body: Mapping[str, Any]) -> dict[str, Any]:
    """What an UPDATE changes, as values of CALL's body fields. Raises `Fault`."""
    if not body:
        raise Fault(400, "nothing", f"Nothing to change was named: say one of {', '.join(CHANGE_NAMES)}.")
    changes: dict[str, Any] = {}
    for name, vocabulary in _CHANGES.items():
        if name in body:
            member = lookup(vocabulary, text_in(body, name))
            if isinstance(member, Unknown):
                raise Fault(400, "unknown-word", f"{name}: {member}")
            changes[name] = member
    if "needs" in body:
        needs = mask_of(Need, _texts(body, "needs"))
        if isinstance(needs, Unknown) or not needs:
            raise Fault(400, "unknown-word", f"needs: {needs or 'at least one must be named.'}")
        changes["needs"] = needs
    if "languages" in body:
        codes = [language_code(text) for text in _texts(body, "languages")]
        for code in codes:
            if isinstance(code, Unknown):
                raise Fault(400, "unknown-word", f"languages: {code}")
        changes["languages"] = tuple(sorted({code for code in codes if isinstance(code, int)}))
    if "cell" in body:
        cell = read_cell(text_in(body, "cell"))
        if isinstance(cell, str):
            raise Fault(400, "no-cell", f"cell: {cell}.")
        changes["cell"] = cell
    return changes


def _texts(body: Mapping[str, Any], name: str) -> list[str]:
    listed = body[name]
    if not isinstance(listed, list) or not all(isinstance(entry, str) for entry in listed):
        raise Fault(400, "no-list", f"The field {name!r} must be a list of words.")
    return listed
