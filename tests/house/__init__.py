"""The rules of the house, each held by a checker, each checker shown a sample that it must refuse."""
