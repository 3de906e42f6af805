"""What happened to a case so far, and what of it was told already: each thing once, none forgotten.

Comes in: the case as `/case` shows it, and notices as `/events` streams them, in any order. Goes out: the notices not
yet told. The stream alone may miss what happened before it began; the view alone knows no times. Prints nothing.
"""

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

Json = Mapping[str, Any]
FROM_VIEW = {
    "call-taken",
    "call-returned",
    "claim-seen",
    "attest-seen",
    "letter-arrived",
    "letter-delivered",
    "call-closed",
}


class Story:
    """One case as its watcher knows it."""

    def __init__(self) -> None:
        self.relays = 0
        self.heard = False
        self.too_old = False
        self.closed = ""
        self.claims: list[str] = []
        self._told: Counter[tuple[str, ...]] = Counter()

    @property
    def is_taken(self) -> bool:
        """Whether a relay keeps the call, as far as can be known."""
        return self.heard or (self.relays > 0 and not self.too_old)

    def hear(self, notice: Json) -> list[dict[str, Any]]:
        """A notice from the stream: itself, unless it was told."""
        what = str(notice.get("notice"))
        if what not in FROM_VIEW:
            return [dict(notice)]
        self._note(notice)
        if what == "call-taken":
            return self._taken(notice)
        if what == "attest-seen":
            fresh = [key for key in notice.get("responders") or () if self._first((what, str(key)))]
            return [{**notice, "responders": fresh}] if fresh else []
        if what == "letter-arrived":
            # The stream brings each letter once; a view read before may have told this very one.
            key = self._letter(notice)
            if self._told[("ahead", *key)]:
                self._told[("ahead", *key)] -= 1
                return []
            self._told[key] += 1
            return [dict(notice)]
        return [dict(notice)] if self._first(self._key(notice)) else []

    def see(self, view: Json) -> list[dict[str, Any]]:
        """The whole case: whatever the stream did not tell."""
        call, at = view.get("id"), time.time()
        self.too_old = bool(view.get("too_old"))
        news: list[dict[str, Any]] = []

        def add(what: str, **fields: Any) -> None:
            news.extend(self.hear({"notice": what, "at_unix_s": at, "call": call, **fields}))

        if int(view.get("relays") or 0):
            add("call-taken", relays=int(view["relays"]))
        if view.get("heard"):
            add("call-returned")
        for claim in view.get("claims") or ():
            who = claim.get("responder")
            if claim.get("claimed", True):
                add("claim-seen", responder=who, manner=claim.get("manner"))
            if claim.get("attested"):
                add("attest-seen", responders=[who])
        news.extend(self._letters_of(view, call, at))
        if view.get("closed"):
            add("call-closed", how=view["closed"])
        return news

    def _letters_of(self, view: Json, call: Any, at: float) -> list[dict[str, Any]]:
        news: list[dict[str, Any]] = []
        seen: Counter[tuple[str, ...]] = Counter()
        for letter in view.get("letters") or ():
            who, number = letter.get("correspondent"), letter.get("number")
            if letter.get("direction") == "out":
                told = {"notice": "letter-delivered", "correspondent": who, "number": number}
                if letter.get("delivered") and self._first(self._key(told)):
                    news.append({**told, "at_unix_s": at, "call": call})
                continue
            said = {"correspondent": who, "kind": letter.get("kind"), "text": letter.get("text")}
            key = self._letter(said)
            seen[key] += 1
            if seen[key] > self._told[key]:
                self._told[key] += 1
                self._told[("ahead", *key)] += 1
                news.append({"notice": "letter-arrived", "at_unix_s": at, "call": call, **said})
        return news

    def _taken(self, notice: Json) -> list[dict[str, Any]]:
        relays = int(notice.get("relays") or 0)
        if relays <= self.relays or self.too_old:  # whoever is handed a call that is too old does not keep it
            return []
        self.relays = relays
        return [dict(notice)]

    def _note(self, notice: Json) -> None:
        match notice.get("notice"):
            case "call-returned":
                self.heard = True
            case "call-closed":
                self.closed = str(notice.get("how"))
            case "claim-seen":
                who = str(notice.get("responder"))
                if who not in self.claims:
                    self.claims.append(who)

    def _first(self, key: tuple[str, ...]) -> bool:
        self._told[key] += 1
        return self._told[key] == 1

    @staticmethod
    def _letter(said: Json) -> tuple[str, ...]:
        return (
            "letter-arrived",
            str(said.get("correspondent")),
            str(said.get("kind")),
            str(said.get("text")),
        )

    @staticmethod
    def _key(notice: Json) -> tuple[str, ...]:
        fields = ("notice", "responder", "correspondent", "number")
        return tuple(str(notice.get(field, "")) for field in fields)
