"""Who plays in the demonstration: eight nodes with different skills, languages and policies, and one call."""

from attrs import frozen

PASSPHRASE = "correct horse battery staple"  # noqa: S105 - of a case that lives for a minute
SEALED = "Three servers of the ward are encrypted since 03:10; the pharmacy still works."

OPENLY = (
    "--via",
    "direct",
)  # all stands on one machine here: there is no address to hide, and no Tor that would reach it
CALL = (
    "--need", "filter-upstream", "--need", "restore-data", "--nature", "ransomware", "--severity", "severe",
    "--sector", "health", "--language", "en", "--language", "de",
    "--details", SEALED,
    "--contact", "the switchboard, ask for the duty engineer",
)  # fmt: skip


@frozen
class Actor:
    """One node: how it is prepared, and what its people do."""

    home: str
    name: str
    says: str
    flags: tuple[str, ...]
    comes: bool = False  # it claims, by itself or by hand
    by_hand: str = ""  # what its person on duty does: claim, decline or nothing
    accepted: bool = False  # the victim accepts this one


ACTORS = (
    Actor("n1", "Harbour Relay", "relays, and answers nothing", ("--relay-only",)),
    Actor(
        "n2", "Northgate CERT", "filters upstream, claims by itself",
        ("--skill", "filter-upstream", "--skill", "rate-limit", "--language", "en", "--automatic",
         "--introduction", "Northgate CERT, on duty around the clock."),
        comes=True, accepted=True,
    ),
    Actor(
        "n3", "Ward Recovery", "restores data in hospitals, claims by itself",
        ("--skill", "restore-data", "--skill", "investigate", "--sector", "health", "--language", "de",
         "--automatic", "--introduction", "Ward Recovery, four engineers."),
        comes=True,
    ),
    Actor(
        "n4", "Volunteers of Ost", "restore data, ask their person on duty",
        ("--skill", "restore-data", "--skill", "expertise", "--language", "de",
         "--introduction", "Volunteers of Ost, two of us tonight."),
        comes=True, by_hand="claim",
    ),
    Actor(
        "n5", "Port CSIRT", "filters upstream, asks its person on duty",
        ("--skill", "filter-upstream", "--language", "en", "--sector", "transport",
         "--introduction", "Port CSIRT."),
        by_hand="decline",
    ),
    Actor(
        "n6", "Mirror Cooperative", "mirrors content: no skill that is asked for",
        ("--skill", "mirror-content", "--skill", "dns-failover", "--language", "en", "--automatic",
         "--introduction", "Mirror Cooperative."),
    ),
    Actor(
        "n7", "Night Shift", "comes for emergencies alone",
        ("--skill", "restore-data", "--language", "en", "--automatic", "--from-severity", "emergency",
         "--introduction", "Night Shift."),
    ),
    Actor("n8", "Island Relay", "relays, and answers nothing", ("--relay-only",)),
)  # fmt: skip
