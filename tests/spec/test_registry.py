"""The registry is the single source of numbers, names and limits.

The Python is derived from it, the vocabularies are the agreed ones, no document states another number.
"""

import subprocess
import sys
import tomllib
from enum import IntEnum
from typing import Any

import pytest

from p2p_sos.wire import registry
from tests.spec.documents import PROTOCOL, ROOT, documents, leading_number, table_rows

REGISTRY: dict[str, Any] = tomllib.loads((PROTOCOL / "registry.toml").read_text(encoding="utf-8"))

VOCABULARIES = {
    "status": "actual exercise system test",
    "severity": "baseline low medium high severe emergency",
    "urgency": "immediate expected future past unknown",
    "certainty": "observed likely possible unlikely unknown",
    "need": "bandwidth filter-upstream block-host block-network block-port rate-limit dns-failover mirror-content"
    " investigate analyze-data scan-vulnerabilities restrict-access disconnect-system restore-data"
    " restore-capabilities patch expertise relay-comms",
    "sector": "energy transport banking financial health drinking-water waste-water digital-infrastructure"
    " ict-services public-administration space courier waste-management chemical food manufacturing"
    " digital-providers research other",
    "phase": "incerfa alerfa detresfa",
    "sitrep-status": "setting-up mitigating attack-stopped exceeds-capability active-terminating terminated"
    " withdrawn",
    "reason": "unable unreasonable unnecessary",
    "detail": "unspecified busy queue barred no-operator equipment",
    "manner": "automatic person",
    "cause": "initial expired handover proof",
}
NATURES = {
    "abusive-content": "spam harmful-speech violence",
    "malicious-code": "infected-system c2-server malware-distribution malware-configuration",
    "information-gathering": "scanner sniffing social-engineering",
    "intrusion-attempts": "ids-alert brute-force exploit",
    "intrusions": "privileged-account-compromise unprivileged-account-compromise application-compromise"
    " system-compromise burglary",
    "availability": "dos ddos misconfiguration sabotage outage",
    "information-content-security": "unauthorised-information-access unauthorised-information-modification"
    " data-loss data-leak",
    "fraud": "unauthorised-use-of-resources copyright masquerade phishing",
    "vulnerable": "weak-crypto ddos-amplifier potentially-unwanted-accessible information-disclosure"
    " vulnerable-system",
    "other": "other undetermined",
    "test": "test",
}
KINDS = (
    "call update cancel all-clear card claim decline release renew roster sitrep handover requisition comply"
    " attest stand-down proof letter"
)
# severities, k, W, HOLD, SITREP, LEASE, PROG online, PROG silent, life: seconds
CLASSES = {
    "S1": ((4, 5), 5, 2, 1, 3, 15, 20, 40, 24 * 3600),
    "S2": ((3,), 3, 4, 2, 5, 25, 30, 60, 24 * 3600),
    "S3": ((2,), 2, 10, 5, 15, 75, 120, 300, 72 * 3600),
    "S4": ((0, 1), 1, 30, 15, 60, 300, 900, 1800, 7 * 24 * 3600),
}


def words(vocabulary: str) -> list[str]:
    """The words of one vocabulary, in the registry's order."""
    return [word for word in REGISTRY["vocabulary"][vocabulary] if word != "origin"]


def test_the_python_is_derived_from_the_registry() -> None:
    """Running the generator again would change nothing."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "generate.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("vocabulary", VOCABULARIES)
def test_a_vocabulary_is_the_agreed_one(vocabulary: str) -> None:
    """Each list of words is complete, in its order, with no word added."""
    assert words(vocabulary) == VOCABULARIES[vocabulary].split()


def test_codes_follow_the_order_of_the_words() -> None:
    """Codes count up from 0 without a gap; the DOTS status from 1."""
    for vocabulary in VOCABULARIES:
        codes = [REGISTRY["vocabulary"][vocabulary][word] for word in words(vocabulary)]
        first = 1 if vocabulary == "sitrep-status" else 0
        assert codes == list(range(first, first + len(codes))), vocabulary


def test_natures_are_the_taxonomy() -> None:
    """Classes and types of the incident taxonomy; the code is 16 x class + type."""
    expected = {
        f"{name}/{kind}": 16 * number + place
        for number, (name, kinds) in enumerate(NATURES.items(), start=1)
        for place, kind in enumerate(kinds.split())
    }
    table = dict(REGISTRY["vocabulary"]["nature"])
    del table["origin"]
    assert table == expected


def test_the_kinds_of_messages_are_the_agreed_ones() -> None:
    """All messages of the protocol have a code, and nothing else has."""
    assert list(REGISTRY["kind"]) == KINDS.split()
    assert [entry["code"] for entry in REGISTRY["kind"].values()] == list(range(1, 19))


def test_no_word_offers_an_attack() -> None:
    """There is no word for offensive help, and none for naming an attacker."""
    every = [word for vocabulary in REGISTRY["vocabulary"] for word in words(vocabulary)]
    for forbidden in ("attacker", "retaliate", "counter-attack", "strike", "attribution", "actor", "suspect"):
        assert [word for word in every if forbidden in word] == []


@pytest.mark.parametrize("name", CLASSES)
def test_the_four_classes_have_their_timers(name: str) -> None:
    """Each class of calls has exactly the agreed severities and durations."""
    entry = REGISTRY["class"][name]
    fields = (
        "k",
        "band_wait_s",
        "hold_s",
        "sitrep_s",
        "lease_s",
        "progress_online_s",
        "progress_silent_s",
        "life_s",
    )
    assert (tuple(entry["severities"]), *(entry[field] for field in fields)) == CLASSES[name]
    timing = getattr(registry, name)
    assert tuple(getattr(timing, field) for field in fields) == CLASSES[name][1:]


def test_every_limit_names_its_origin() -> None:
    """A number says where it comes from."""
    numbers = {**REGISTRY["limit"], **REGISTRY["stamp"]}
    assert [name for name, entry in numbers.items() if not entry.get("origin", "").strip()] == []


def test_everyday_words_lead_to_real_ones() -> None:
    """What a frightened person types is translated to a word that exists."""
    for vocabulary, table in REGISTRY["everyday"].items():
        assert [word for word in table.values() if word not in words(vocabulary)] == []
    assert REGISTRY["everyday"]["nature"]["ransomware"].endswith("/unauthorised-information-modification")


def named_numbers() -> dict[str, tuple[int, ...]]:
    """Every name of the registry to the numbers that it may stand beside in a document."""
    known: dict[str, tuple[int, ...]] = {}
    for name, entry in REGISTRY["limit"].items():
        known[name] = (entry["value"],)
    for name, entry in REGISTRY["stamp"].items():
        known[f"stamp.{name}"] = known[f"stamp_{name}"] = (entry["value"],)
    for table in REGISTRY["vocabulary"].values():
        for word, code in table.items():
            if word != "origin":
                known[word] = (*known.get(word, ()), code)
    for kind, entry in REGISTRY["kind"].items():
        name = kind.replace("-", "_").upper()
        known[name] = (*known.get(name, ()), entry["code"])
    return known


def contradictions(text: str) -> list[str]:
    """Rows `| name | number |`, in either order, whose number is not the registry's."""
    known = named_numbers()
    wrong = []
    for row in table_rows(text):
        for name, other in zip(row, row[1:] + row[:1], strict=True):
            number = leading_number(other)
            if name in known and number is not None and number not in known[name]:
                wrong.append(f"{name} is {known[name]}, not {number}")
    return wrong


@pytest.mark.parametrize("name", sorted(path.stem for path in PROTOCOL.glob("[0-9][0-9]-*.md")))
def test_a_document_states_no_other_number(name: str) -> None:
    """Where a table of the specification puts a number beside a name of the registry, it is that number."""
    assert contradictions(documents()[name]) == []


@pytest.mark.parametrize("row", ["| `cell_bytes` | 2,047 |", "| patch | 3 | mends |", "| 4 | `CALL` |"])
def test_a_contradiction_is_found(row: str) -> None:
    """Control: another number beside a registry name is refused; the right one passes."""
    assert contradictions(f"| name | value |\n|---|---|\n{row}\n") != []
    assert contradictions("| `cell_bytes` | 2,048 bytes |\n| `patch` | 15 |\n| 1 | `CALL` |\n") == []


def test_python_names_every_word() -> None:
    """Each vocabulary is an enumeration in Python with the same codes."""
    for vocabulary in REGISTRY["vocabulary"]:
        title = "".join(part.capitalize() for part in vocabulary.split("-"))
        enumeration: type[IntEnum] = getattr(registry, title)
        assert [int(member) for member in enumeration] == [
            REGISTRY["vocabulary"][vocabulary][word] for word in words(vocabulary)
        ]
