"""What a victim asks for, in words: from flags or answers to the values that a call is made of.

Comes in: registry words. Goes out: what will be public, what sealed, and the `CallPlan` of the case service. Asks
nothing, prints nothing. Nothing here can name an attacker: attribution has no field.
"""

from typing import Any, NamedTuple


class Wish(NamedTuple):
    """One call in words. Send first, refine later: the defaults are enough to be heard."""

    needs: tuple[str, ...] = ("expertise",)
    nature: str = "other/undetermined"
    severity: str = "high"
    urgency: str = "immediate"
    certainty: str = "observed"
    status: str = "actual"
    sector: str = "other"
    languages: tuple[str, ...] = ()
    cell: int = 0
    details: str = ""
    contact: str = ""

    def public(self) -> dict[str, Any]:
        """What everyone will be able to read, in the order in which it is shown."""
        from p2p_sos.drivers.cells import show_cell

        return {
            "status": self.status,
            "severity": self.severity,
            "nature": self.nature,
            "needs": list(self.needs),
            "urgency": self.urgency,
            "certainty": self.certainty,
            "sector": self.sector,
            "languages": list(self.languages),
            "cell": show_cell(self.cell),
        }

    def sealed(self) -> dict[str, str]:
        """What only helpers that the victim accepts will read."""
        said = {"details": self.details.strip(), "contact": self.contact.strip()}
        return {name: text for name, text in said.items() if text}

    def situation(self) -> str:
        """The sealed text that goes to an accepted helper."""
        sealed = self.sealed()
        pieces = [sealed["details"]] if "details" in sealed else []
        if "contact" in sealed:
            pieces.append(f"Contact: {sealed['contact']}")
        return "\n\n".join(pieces)

    def plan(self) -> Any:
        """The same as the case service takes it (a `CallPlan`)."""
        from p2p_sos.drivers.case_service import CallPlan
        from p2p_sos.wire import registry as r
        from p2p_sos.wire.vocabulary import Unknown, language_code, lookup, mask_of

        def member(vocabulary: Any, word: str) -> Any:
            found = lookup(vocabulary, word)
            assert not isinstance(found, Unknown), word  # every word was read before
            return found

        needs = mask_of(r.Need, self.needs)
        assert isinstance(needs, int)
        codes = [code for code in (language_code(word) for word in self.languages) if isinstance(code, int)]
        return CallPlan(
            needs=needs,
            status=member(r.Status, self.status),
            severity=member(r.Severity, self.severity),
            urgency=member(r.Urgency, self.urgency),
            certainty=member(r.Certainty, self.certainty),
            nature=member(r.Nature, self.nature),
            sector=member(r.Sector, self.sector),
            languages=tuple(sorted(codes)),
            cell=self.cell,
            situation=self.situation(),
        )
