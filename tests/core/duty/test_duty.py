"""Conversations with one node's duty machine: the policy decides, the log remembers."""

import json
from typing import Any

from attrs import evolve

from p2p_sos.core.calls.memory import read_rows
from p2p_sos.core.duty.policy import Policy, on_duty
from p2p_sos.core.duty.watchlog import verify_chain
from p2p_sos.core.events import (
    Event,
    OperatorClaims,
    OperatorDeclines,
    OperatorReleases,
    OperatorReports,
    OperatorStandsDown,
)
from p2p_sos.core.notices import Decided, DecisionWanted, RequisitionSeen
from p2p_sos.core.tables import Table
from p2p_sos.wire.frames import Frame, id_of, seal
from p2p_sos.wire.messages import Call, Card, Claim
from p2p_sos.wire.registry import (
    CARD_EPOCH_S,
    S1,
    Detail,
    Manner,
    Need,
    Phase,
    Reason,
    Sector,
    Severity,
    SitrepStatus,
    Status,
)
from p2p_sos.wire.stamps import solve
from tests.core import mail
from tests.core.world import PROFILE, START_UNIX_S, World, responder, stamped_call, victim

PERSON = Policy(manner=Manner.PERSON, answer_within_s=30)
ME = responder("me").key


def alone(policy: Policy | None = None) -> World:
    """One responder, and a stranger who brings it messages."""
    world = World()
    world.add("me", responder=responder("me", policy))
    world.run(1.0)
    return world


def call(name: str = "victim", **fields: Any) -> Frame:
    """A stamped CALL."""
    return stamped_call(victim(name), **fields)


def hear(world: World, *frames: Frame) -> str:
    """Bring messages and say what the node says about the first one's call."""
    world.inject("me", *frames)
    world.run(1.1)  # HOLD: who knows nobody else waits for those that it may not know yet
    first = frames[0].message
    return mine(world, frames[0].id if isinstance(first, Call) else first.call)  # type: ignore[union-attr]


def mine(world: World, call_id: bytes) -> str:
    """What the node says about a call."""
    return world.node("me").calls[call_id].mine


def log(world: World) -> list[dict[str, Any]]:
    """The watch log, whose chain must be whole."""
    lines = world.node("me").log_lines()
    assert verify_chain(lines) is None
    return [json.loads(line) for line in lines]


def say(world: World, event: Event) -> None:
    """The person on duty says something."""
    world.tell("me", event)
    world.run(0.1)


def own_words(world: World, call_id: bytes) -> list[str]:
    """The kinds of what this node said on the board, in the order of its log."""
    # The view says what counts; the rows say what was said.
    arrivals, _ = read_rows(tuple(world["me"].store.rows[Table.CELL].items()), mail.NETWORK)
    said = [a.frame.message for a in arrivals if a.frame.message.signer == ME.public]
    log_of_call = [m for m in said if getattr(m, "call", None) == call_id and hasattr(m, "previous")]
    return [type(m).__name__ for m in sorted(log_of_call, key=lambda m: m.sequence)]  # type: ignore[union-attr]


def test_automatic_claims() -> None:
    """An able node claims at once, names its card and its slot, and logs it."""
    world, one = alone(), call()
    assert hear(world, one) == "claimed"
    (standing,) = world.node("me").calls[one.id].view.claims
    assert standing.card == world.node("me").cards[ME.public].id
    assert [line["decision"] for line in log(world)] == ["claim"]
    assert len(world["me"].told(Decided)) == 1


def test_silence_is_logged() -> None:
    """A call that does not concern the node is met with silence on the board and a line in the log."""
    cases = [
        (Policy(skills=1 << Need.BANDWIDTH), call(), "none of the skills asked for"),
        (Policy(languages=(5,)), call(languages=(7,)), "none of the languages asked for"),
        (Policy(from_severity=Severity.EMERGENCY), call(), "below severity 5"),
        (Policy(), call(status=Status.EXERCISE), "exercise calls are not wanted here"),
        (Policy(), call(status=Status.TEST), "test calls are not wanted here"),
    ]
    for policy, one, why in cases:
        world = alone(policy)
        assert hear(world, one) == "silent"
        assert [(line["decision"], line["why"]) for line in log(world)] == [("silence", why)]
        assert own_words(world, one.id) == []


def test_controls_of_silence() -> None:
    """Control: the same calls are claimed by the node that they concern."""
    for policy, one in (
        (Policy(languages=(5, 7)), call(languages=(7,))),
        (Policy(languages=(5,)), call()),
        (Policy(from_severity=Severity.SEVERE), call()),
        (Policy(exercises=True), call(status=Status.EXERCISE)),
    ):
        assert hear(alone(policy), one) == "claimed"


def test_no_slot_declines_and_a_free_slot_claims() -> None:
    """More calls than slots: unable, busy; when a slot is free the gravest of them is claimed."""
    world = alone(Policy(slots=1))
    first, mild, grave = (
        call("first"),
        call("mild", severity=Severity.SEVERE),
        call("grave", severity=Severity.EMERGENCY),
    )
    assert hear(world, first) == "claimed"
    assert hear(world, mild) == "declined"
    assert hear(world, grave) == "declined"
    assert [line.get("detail") for line in log(world)] == [None, "busy", "busy"]
    assert own_words(world, mild.id) == [], "its claim says so: others need not wait for it"
    world.inject("me", _cancel(first, "first"))
    world.run(0.1)
    assert (mine(world, grave.id), mine(world, mild.id)) == ("claimed", "declined")
    (standing,) = world.node("me").calls[grave.id].view.claims
    assert standing.responder == ME.public


def _cancel(one: Frame, name: str) -> Frame:
    return mail.cancel(one, by=victim(name).call_key)


def test_slot_epochs_differ() -> None:
    """The slot that a second call takes after the first has another epoch."""
    world = alone(Policy(slots=1))
    first, second = call("first"), call("second")
    hear(world, first)
    hear(world, _cancel(first, "first"))
    hear(world, second)
    cells = world.node("me").calls
    assert cells[first.id].state.value == "cancelled"
    used = []
    for arrival in read_rows(tuple(world["me"].store.rows[Table.CELL].items()), mail.NETWORK)[0]:
        if isinstance(arrival.frame.message, Claim):
            used.append((arrival.frame.message.slot, arrival.frame.message.slot_epoch))
    assert sorted(used) == [(0, 0), (0, 1)]


def test_ask_me() -> None:
    """Asked, the person claims: by hand, in time, and the deadline does nothing more."""
    world, one = alone(PERSON), call()
    assert hear(world, one) == "asked"
    assert world["me"].told(DecisionWanted) == [DecisionWanted(one.id, 30, page=True)]
    say(world, OperatorClaims(one.id))
    world.run(60)
    assert mine(world, one.id) == "claimed"
    (standing,) = world.node("me").calls[one.id].view.claims
    assert standing.manner is Manner.PERSON
    assert [line["decision"] for line in log(world)] == ["ask", "claim"]


def test_nobody_answers() -> None:
    """At the deadline: unable, no operator; and a later word of the person still counts."""
    world, one = alone(PERSON), call()
    hear(world, one)
    world.run(29)
    assert mine(world, one.id) == "asked"
    world.run(2)
    assert mine(world, one.id) == "declined"
    assert log(world)[-1]["detail"] == "no-operator"
    say(world, OperatorClaims(one.id))
    assert mine(world, one.id) == "claimed"


def test_off_duty_nobody_is_asked() -> None:
    """Outside duty hours: unable, no operator, at once."""
    world, one = alone(evolve(PERSON, duty_hours=0)), call()
    assert hear(world, one) == "declined"
    assert world["me"].told(DecisionWanted) == []
    assert not on_duty(Policy(duty_hours=1 << 3), 4 * 3600)
    assert on_duty(Policy(duty_hours=1 << 4), 4 * 3600)


def test_an_exercise_pages_nobody() -> None:
    """A wanted exercise is asked about without a page."""
    world, one = alone(evolve(PERSON, exercises=True)), call(status=Status.EXERCISE)
    assert hear(world, one) == "asked"
    assert [notice.page for notice in world["me"].told(DecisionWanted)] == [False]


def test_declining_and_releasing_by_hand() -> None:
    """The person's reasons are logged and published, since its turn had come; each is refused where it is absurd."""
    world, one, other = alone(PERSON), call(), call("other")
    hear(world, one)
    hear(world, other)
    say(world, OperatorDeclines(one.id, Reason.UNREASONABLE, Detail.BARRED))
    assert (mine(world, one.id), own_words(world, one.id)) == ("declined", ["Decline"])
    lines = len(log(world))
    say(world, OperatorDeclines(one.id, Reason.UNABLE, Detail.BUSY))
    assert (len(log(world)), own_words(world, one.id)) == (lines, ["Decline"]), "it is declined already"
    say(world, OperatorClaims(other.id))
    node = world.node("me")
    assert "already" in str(node.refusal(OperatorDeclines(one.id, Reason.UNABLE, Detail.BUSY)))
    assert node.refusal(OperatorClaims(other.id)) is not None
    assert node.refusal(OperatorDeclines(other.id, Reason.UNABLE, Detail.BUSY)) is not None
    assert node.refusal(OperatorReleases(one.id, Reason.UNABLE, Detail.BUSY)) is not None
    assert node.refusal(OperatorClaims(bytes(32))) is not None
    assert node.refusal(OperatorReleases(other.id, Reason.UNABLE, Detail.BUSY)) is None
    say(world, OperatorReleases(other.id, Reason.UNABLE, Detail.EQUIPMENT))
    assert (mine(world, other.id), own_words(world, other.id)) == ("released", ["Claim", "Release"])
    assert log(world)[-1]["reason"] == "unable"


def test_down_releases_everything_and_takes_nothing_new() -> None:
    """`OperatorReleases(None)` gives back every claim, and a slot that falls free is not filled again."""
    world = alone(Policy(slots=2))
    calls = [call(name) for name in ("a", "b", "c")]
    for one in calls:
        hear(world, one)
    say(world, OperatorReleases(None, Reason.UNABLE, Detail.UNSPECIFIED))
    assert [mine(world, one.id) for one in calls] == ["released", "released", "declined"]


def test_named_and_claimed_complies() -> None:
    """A named claimer complies, once, and is told its part."""
    world, one = alone(), call()
    hear(world, one, mail.requisition(one, ME))
    world.run(1)
    assert own_words(world, one.id) == ["Claim", "Comply"]
    view = world.node("me").calls[one.id].view
    assert view.lead == ME.public
    assert [notice.mine for notice in world["me"].told(RequisitionSeen)] == ["lead"]


def test_not_named_releases_once_somebody_complied() -> None:
    """A claimer that is not named stays until the requisition is effective; named later, it claims and complies again."""
    world, one, other = alone(), call(), mail.key("other")
    requisition = mail.requisition(one, other)
    assert hear(world, one, mail.claim(one, other), requisition) == "claimed"
    assert own_words(world, one.id) == ["Claim"], "nobody is dismissed for a helper that may be dead"
    assert hear(world, mail.comply(one, other, requisition)) == "released"
    assert own_words(world, one.id) == ["Claim", "Release"]
    hear(world, mail.requisition(one, other, ME, sequence=2))
    assert mine(world, one.id) == "claimed"
    assert own_words(world, one.id) == ["Claim", "Release", "Claim", "Comply"]


def test_released_for_a_helper_that_then_leaves() -> None:
    """When the only one named takes its word back, who was dismissed claims again by itself: no call is left alone."""
    world, one, other = alone(), call(), mail.key("other")
    requisition = mail.requisition(one, other)
    hear(world, one)
    hear(world, mail.claim(one, other), requisition, mail.comply(one, other, requisition))
    assert mine(world, one.id) == "released"
    hear(world, mail.release(one, other, sequence=2))
    world.run(20)
    assert mine(world, one.id) == "claimed"


def test_standing_down() -> None:
    """A helper that believes it is over says so once and frees its slot; who never claimed, or does not lead, is told so."""
    world, one, other = alone(Policy(slots=1)), call(), call("other")
    hear(world, one)
    node = world.node("me")
    hear(world, other)
    assert mine(world, other.id) == "declined"
    assert node.refusal(OperatorReports(other.id, SitrepStatus.MITIGATING, Phase.ALERFA)) is not None
    say(world, OperatorStandsDown(one.id))
    assert (mine(world, one.id), own_words(world, one.id)[-1]) == ("released", "StandDown")
    assert mine(world, other.id) == "claimed"
    assert "claimed" in (node.refusal(OperatorStandsDown(one.id)) or "")


def test_named_without_a_claim() -> None:
    """A named node that is not able publishes its DECLINE; one that is asks its person, who complies by claiming."""
    unable = alone(Policy(skills=1 << Need.BANDWIDTH))
    one = call()
    hear(unable, one, mail.requisition(one, ME))
    assert own_words(unable, one.id) == ["Decline"]
    asked = alone(PERSON)
    hear(asked, one, mail.requisition(one, ME))
    say(asked, OperatorClaims(one.id))
    assert own_words(asked, one.id) == ["Claim", "Comply"]


def test_an_older_requisition_changes_nothing() -> None:
    """A REQUISITION that a newer one has overtaken is nobody's order."""
    world, one = alone(), call()
    hear(
        world,
        one,
        mail.requisition(one, ME, sequence=2),
        mail.requisition(one, mail.key("other"), sequence=1),
    )
    assert own_words(world, one.id) == ["Claim", "Comply"]


def test_an_update_can_concern_the_silent() -> None:
    """A call that is refined until it concerns the node is claimed."""
    world, one = alone(Policy(skills=1 << Need.BANDWIDTH)), call()
    assert hear(world, one) == "silent"
    hear(world, mail.update(one, 1, needs=1 << Need.BANDWIDTH))
    assert mine(world, one.id) == "claimed"


def test_a_restart_repeats_no_decision() -> None:
    """Claimed, declined, released and silent survive a kill; nothing is claimed or logged twice."""
    world = alone(Policy(slots=1, skills=1 << Need.RESTORE_DATA))
    claimed, busy, silent = call("a"), call("b"), call("c", needs=1 << Need.PATCH)
    for one in (claimed, busy, silent):
        hear(world, one)
    before = log(world)
    world.kill("me")
    world.start("me")
    world.run(1)
    assert [mine(world, one.id) for one in (claimed, busy, silent)] == ["claimed", "declined", "silent"]
    assert log(world) == before
    assert own_words(world, claimed.id) == ["Claim", "Roster"]
    hear(world, _cancel(claimed, "a"))
    assert mine(world, busy.id) == "claimed"


def test_a_restart_repeats_no_answer_to_a_requisition() -> None:
    """A published DECLINE is not said again after a kill, and a claim given back by hand is not taken again."""
    unable, one = alone(Policy(skills=1 << Need.BANDWIDTH)), call()
    hear(unable, one, mail.requisition(one, ME))
    world = alone()
    hear(world, one, mail.requisition(one, ME))
    say(world, OperatorReleases(one.id, Reason.UNABLE, Detail.EQUIPMENT))
    for place, said in ((unable, ["Decline"]), (world, ["Claim", "Comply", "Release"])):
        place.kill("me")
        place.start("me")
        place.run(1)
        assert own_words(place, one.id) == said


def test_a_question_survives_a_kill() -> None:
    """Killed while the person thinks, the node asks again, and no call is forgotten."""
    world, one = alone(PERSON), call()
    hear(world, one)
    world.kill("me")
    world.start("me")
    world.run(1 + S1.band_wait_s)
    assert mine(world, one.id) == "asked"
    assert len(world["me"].told(DecisionWanted)) == 2
    world.run(31)
    assert mine(world, one.id) == "declined"


def test_a_lost_log_is_noticed() -> None:
    """A node whose rows are gone meets its own CLAIM in the mesh: it goes on after it and writes that down."""
    world, one = alone(PERSON), call()
    hear(world, one, mail.claim(one, ME, 3))
    assert mine(world, one.id) == "claimed"
    assert log(world)[-1]["decision"] == "log-lost"
    say(world, OperatorReleases(one.id, Reason.UNABLE, Detail.BUSY))
    assert own_words(world, one.id) == ["Claim", "Release"]


def test_the_last_slot_waits_for_a_graver_call() -> None:
    """The mild call's band opens first; the grave one, heard just before and still without help, gets the only slot."""
    world = alone(Policy(slots=1, duty_hours=0))
    today = int(START_UNIX_S) // CARD_EPOCH_S
    for index in range(20):  # fitter ones, none of whom is there
        who = mail.key(f"absent {index}")
        message = Card(
            signer=who.public, epoch=today, skills=1 << Need.RESTORE_DATA, sectors=1 << Sector.HEALTH, languages=(),
            cell=0, duty_hours=2**24 - 1, slots=1, group=who.public, accreditation=b"",
        )  # fmt: skip
        stamp = solve(id_of(message, PROFILE.network), 1, start=bytes(16))
        world.inject("me", seal(message, PROFILE.network, who, stamp))
    world.run(1.0)
    mild, grave = call("mild", severity=Severity.HIGH), call("grave", severity=Severity.EMERGENCY)
    world.inject("me", mild)
    world.run(9.5)
    world.inject("me", grave)
    world.run(3.0)
    assert (mine(world, mild.id), mine(world, grave.id)) == ("", "")
    world.run(3.5)
    assert (mine(world, mild.id), mine(world, grave.id)) == ("declined", "claimed")
