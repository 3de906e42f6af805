"""Code says which sentence of the specification it obeys; the sentence is really there."""

import pytest

from tests.house.sources import python
from tests.spec.documents import REFERENCE, Quote, documents, quote_fault, quotes, section

LIBRARY = {
    "04-gossip": "# 4 Gossip\n\n## 1 Words\n\nNothing.\n\n## 2 Rules\n\nA relay MUST forward\nit once.\n\n"
    "### 2.1 More\n\nA *relay* MAY sleep.\n\n## 3 Rest\n\nEnd.\n"
}


def test_every_quote_stands_where_it_says() -> None:
    """Each quoted sentence exists, word for word, in the section that the comment names."""
    made = [quote for source in python("p2p_sos") for quote in quotes(source.path, source.text)]
    faults = [quote_fault(quote, documents()) for quote in made]
    assert [fault for fault in faults if fault is not None] == []
    assert len(made) >= 20, "the machines quote the sentences that they obey"


def test_every_reference_leads_somewhere() -> None:
    """Wherever a module names a document and a section, that section exists."""
    lost = [
        f"{source.path}: {document} §{number}"
        for source in python("p2p_sos")
        for document, number in REFERENCE.findall(source.text)
        if section(documents().get(document, ""), number) is None
    ]
    assert lost == []


@pytest.mark.parametrize(
    "quote",
    [
        Quote("a.py:1", "A relay MUST forward it twice.", "04-gossip", "2"),
        Quote("a.py:1", "A relay MUST forward it once.", "04-gossip", "3"),
        Quote("a.py:1", "A relay MUST forward it once.", "04-gossip", "9"),
        Quote("a.py:1", "A relay MUST forward it once.", "05-calls", "2"),
    ],
)
def test_a_false_quote_is_refused(quote: Quote) -> None:
    """Control: a changed sentence, a wrong section, a missing section and a missing document are refused."""
    assert quote_fault(quote, LIBRARY) is not None


def test_a_true_quote_over_two_lines_is_found() -> None:
    """Control: a quote that wraps in the code is read whole, and one that wraps in the document matches."""
    text = 'x = 1\n# "A relay MUST\n# forward it once." (04-gossip §2)\ny = 2\n'
    (quote,) = quotes("a.py", text)
    assert quote == Quote("a.py:2", "A relay MUST forward it once.", "04-gossip", "2")
    assert quote_fault(quote, LIBRARY) is None
    assert quote_fault(Quote("a.py:1", "A *relay* MAY sleep.", "04-gossip", "2.1"), LIBRARY) is None
