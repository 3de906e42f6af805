"""The duty machine."""

from p2p_sos.core.policy import Opinion, Policy, Responder, on_duty, opinion

__all__ = ["Opinion", "Policy", "Responder", "on_duty", "opinion"]
