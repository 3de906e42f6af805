"""The pure machines of a node: handle(event, now) -> list[Action]."""
