"""Recovery codes: 120 random bits that a person can write down, with a check in every group.

In come 15 bytes or what a person typed. Out goes the other of the two, or a sentence that names the group with the
slip. Draws no randomness itself.

Six groups of five letters of Crockford's base32: four carry 20 bits, the fifth checks them and their place. The
check is linear over GF(32), so every single wrong letter and every swap of neighbours within a group is noticed.
"""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOKALIKE = str.maketrans({"O": "0", "I": "1", "L": "1"})
GROUPS = 6
CODE_BYTES = 15
_REDUCE = 0b100101  # x^5 + x^2 + 1 is primitive over GF(2)


def show_code(secret: bytes) -> str:
    """The code of 15 bytes: `AAAAA-AAAAA-AAAAA-AAAAA-AAAAA-AAAAA`."""
    assert len(secret) == CODE_BYTES, "a recovery code carries 15 bytes"
    number = int.from_bytes(secret, "big")
    digits = [(number >> (5 * place)) & 31 for place in reversed(range(4 * GROUPS))]
    groups = []
    for index in range(GROUPS):
        four = digits[4 * index : 4 * index + 4]
        groups.append("".join(_ALPHABET[digit] for digit in [*four, _check(index, four)]))
    return "-".join(groups)


def read_code(text: str) -> bytes | str:
    """The 15 bytes of a typed code; else a sentence about the first thing that is wrong with it."""
    typed = "".join(text.upper().translate(_LOOKALIKE).replace("-", " ").split())
    if len(typed) != 5 * GROUPS:
        return f"A recovery code has {GROUPS} groups of five letters and digits; this one has {len(typed)} in all."
    digits: list[int] = []
    for index in range(GROUPS):
        group = typed[5 * index : 5 * index + 5]
        if any(letter not in _ALPHABET for letter in group):
            return f"Group {index + 1} of the recovery code has a sign that no code has: look at {group!r} again."
        values = [_ALPHABET.index(letter) for letter in group]
        if _check(index, values[:4]) != values[4]:
            return f"There is a slip in group {index + 1} of the recovery code: look at {group!r} again."
        digits += values[:4]
    number = 0
    for digit in digits:
        number = number << 5 | digit
    return number.to_bytes(CODE_BYTES, "big")


def _check(index: int, four: list[int]) -> int:
    total, weight = index + 1, 2
    for digit in four:
        total ^= _times(digit, weight)
        weight = _times(weight, 2)
    return total


def _times(left: int, right: int) -> int:
    product = 0
    while right:
        if right & 1:
            product ^= left
        left = left << 1 ^ (_REDUCE if left & 16 else 0)
        right >>= 1
    return product
