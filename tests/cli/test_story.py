"""A story tells each thing that happened to a case once, whichever of stream and view says it first."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from p2p_sos.cli.story import Story
from tests.cli.stub import KEY_A, KEY_B

LETTER = {"notice": "letter-arrived", "correspondent": KEY_A, "kind": "text", "text": "we come"}
HAPPENED: list[dict[str, Any]] = [
    {"notice": "call-taken", "relays": 1},
    {"notice": "call-taken", "relays": 3},
    {"notice": "call-returned"},
    {"notice": "claim-seen", "responder": KEY_A, "manner": "person"},
    {"notice": "claim-seen", "responder": KEY_B, "manner": "automatic"},
    {"notice": "attest-seen", "responders": [KEY_A]},
    LETTER,
    LETTER,  # the same words twice are two letters
    {"notice": "letter-delivered", "correspondent": KEY_A, "number": 1},
    {"notice": "call-closed", "how": "cleared"},
]


def view_after(number: int) -> dict[str, Any]:
    """`/case` once the first `number` things have happened."""
    view: dict[str, Any] = {
        "id": "00",
        "relays": 0,
        "heard": False,
        "claims": [],
        "letters": [],
        "closed": "",
    }
    for notice in HAPPENED[:number]:
        match notice["notice"]:
            case "call-taken":
                view["relays"] = notice["relays"]
            case "call-returned":
                view["heard"] = True
            case "claim-seen":
                view["claims"].append(
                    {"responder": notice["responder"], "manner": notice["manner"], "attested": False}
                )
            case "attest-seen":
                view["claims"][0]["attested"] = True
            case "letter-arrived":
                view["letters"].append(
                    {"direction": "in", "correspondent": KEY_A, "kind": "text", "text": "we come"}
                )
            case "letter-delivered":
                view["letters"].append(
                    {"direction": "out", "correspondent": KEY_A, "number": 1, "delivered": True}
                )
            case "call-closed":
                view["closed"] = notice["how"]
    return view


def gist(notice: dict[str, Any]) -> dict[str, Any]:
    """A notice without when and where."""
    return {name: value for name, value in notice.items() if name not in ("at_unix_s", "call")}


@given(st.lists(st.booleans(), min_size=len(HAPPENED), max_size=len(HAPPENED)), st.integers(0, len(HAPPENED)))
def test_each_thing_is_told_once_whatever_the_stream_missed(looks: list[bool], late: int) -> None:
    """The stream starts late and the view is read at any moments; at the end nothing was told twice or left out."""
    story, told = Story(), []
    for number, notice in enumerate(HAPPENED, start=1):
        if looks[number - 1]:
            told += story.see(view_after(number))  # read before the stream's notice came through
        if number > late:
            told += story.hear(notice)
    told += story.see(view_after(len(HAPPENED)))
    gists = [gist(notice) for notice in told]
    expected = [gist(n) for n in HAPPENED]
    if {"notice": "call-taken", "relays": 1} not in gists:  # a later, higher count covers it
        expected.remove({"notice": "call-taken", "relays": 1})
    assert sorted(map(str, gists)) == sorted(map(str, expected))
    assert (story.relays, story.heard, story.closed) == (3, True, "cleared")
    assert sorted(story.claims) == [KEY_A, KEY_B]


def test_what_the_view_does_not_know_passes_through() -> None:
    """A decline stands in the stream alone and is told each time."""
    notice = {"notice": "decline-seen", "responder": KEY_A}
    story = Story()
    assert story.hear(notice) == [notice]
    assert story.hear(notice) == [notice]
