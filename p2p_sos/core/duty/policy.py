"""What an operator wants of a node: which calls it answers, and how.

Decides whether a call concerns a policy. Comes in: a `Policy` and the description of a call. Goes out: an
`Opinion`. Must not know which calls the node answers already, nor what time it is.
"""

from attrs import field, frozen

from p2p_sos.core.board.resolve import Description
from p2p_sos.wire.keys import SigningKey
from p2p_sos.wire.registry import Manner, Need, Severity, Status

EVERY_SKILL = sum(1 << need for need in Need)
EVERY_HOUR = 2**24 - 1


@frozen
class Policy:
    """The operator's settings of the duty machine.

    `skills` and `sectors` are masks, `languages` codes (ascending), `cell` an H3 index or 0, `duty_hours` a
    mask of UTC hours. `manner` AUTOMATIC decides by itself; PERSON asks, and waits `answer_within_s`.
    """

    skills: int = EVERY_SKILL
    sectors: int = 0
    languages: tuple[int, ...] = ()
    cell: int = 0
    duty_hours: int = EVERY_HOUR
    slots: int = 4
    from_severity: Severity = Severity.BASELINE
    manner: Manner = Manner.AUTOMATIC
    answer_within_s: float = 300.0  # guess: a pager, a laptop, a look
    exercises: bool = False


@frozen
class Responder:
    """Who answers at this node: one long-term key, what it can do, and how it introduces itself."""

    key: SigningKey = field(repr=False)
    policy: Policy
    introduction: str = field(repr=False)


@frozen
class Opinion:
    """Whether a call concerns this node, and why, in a few words."""

    concerned: bool
    why: str


def on_duty(policy: Policy, unix_s: float) -> bool:
    """Whether somebody is on duty in this hour of UTC."""
    return bool(policy.duty_hours >> (int(unix_s) // 3600 % 24) & 1)


def asks(policy: Policy, unix_s: float) -> bool:
    """Whether a person would be asked now. While nobody is on duty a node declines by itself, and as fast as a machine."""
    return policy.manner is Manner.PERSON and on_duty(policy, unix_s)


def opinion(policy: Policy, asked: Description) -> Opinion:
    """Whether the node is one of those that a call is meant for."""
    # "An exercise or a test is answered only by those whose operator asked for such calls." (05-calls §9)
    if asked.status is not Status.ACTUAL and not policy.exercises:
        return Opinion(False, f"{asked.status.name.lower()} calls are not wanted here")
    if not asked.needs & policy.skills:
        return Opinion(False, "none of the skills asked for")
    # "A call that names languages concerns those who speak one of them." (05-calls §9)
    if asked.languages and not any(language in policy.languages for language in asked.languages):
        return Opinion(False, "none of the languages asked for")
    if asked.severity < policy.from_severity:
        return Opinion(False, f"below severity {int(policy.from_severity)}")
    return Opinion(True, "able")
