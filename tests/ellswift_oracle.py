"""ElligatorSwift in plain integers: slow, obvious, and for tests only.

An independent reading of BIP324 ("ElligatorSwift encoding of curve X coordinates") that judges
the library which the product uses. Field elements are integers modulo P.
"""

from __future__ import annotations

from hashlib import sha256

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)

Point = tuple[int, int]


def sqrt(value: int) -> int | None:
    """The square root that is itself a square, or None."""
    root = pow(value, (P + 1) // 4, P)
    return root if root * root % P == value % P else None


SQRT_MINUS_3 = sqrt(-3) or 0


def divide(a: int, b: int) -> int:
    return a * pow(b, -1, P) % P


def is_valid_x(x: int) -> bool:
    """Whether x is on the curve; a quadratic residue by Euler's criterion, zero included."""
    return pow(x**3 + 7, (P - 1) // 2, P) in (0, 1)


def xswiftec(u: int, t: int) -> int:
    """Decode two field elements to an x coordinate."""
    u = u % P or 1
    t = t % P or 1
    if (u**3 + t**2 + 7) % P == 0:
        t = 2 * t % P
    big_x = divide(u**3 + 7 - t**2, 2 * t)
    big_y = divide(big_x + t, SQRT_MINUS_3 * u)
    half = pow(2, -1, P)
    ratio = divide(big_x, big_y)
    for x in (u + 4 * big_y**2, (-ratio - u) * half, (ratio - u) * half):
        if is_valid_x(x % P):
            return x % P
    raise AssertionError("one of the three is always on the curve")


def xswiftec_inv(x: int, u: int, case: int) -> int | None:
    """One of the up to eight t that decode, with u, to x; or None."""
    g = u**3 + 7
    if not case & 2:
        if is_valid_x((-x - u) % P):
            return None
        v = (x if not case & 1 else -x - u) % P
        s = divide(-g, u**2 + u * v + v**2)
    else:
        s = (x - u) % P
        if s == 0:
            return None
        r = sqrt(-s * (4 * g + 3 * s * u**2) % P)
        if r is None or (case & 1 and r == 0):
            return None
        v = divide(divide(-r if case & 1 else r, s) - u, 2)
    w = sqrt(s)
    if w is None:
        return None
    if case & 4:
        w = -w
    return w * (divide(u * (SQRT_MINUS_3 - 1), 2) - v) % P


def decode(encoded: bytes) -> int:
    """The x coordinate behind 64 bytes."""
    return xswiftec(int.from_bytes(encoded[:32], "big"), int.from_bytes(encoded[32:], "big"))


def _add(a: Point | None, b: Point | None) -> Point | None:
    if a is None or b is None:
        return a or b
    if a[0] == b[0] and (a[1] + b[1]) % P == 0:
        return None
    slope = divide(3 * a[0] ** 2, 2 * a[1]) if a == b else divide(b[1] - a[1], b[0] - a[0])
    x = (slope**2 - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def multiply(scalar: int, point: Point) -> Point:
    result: Point | None = None
    addend: Point | None = point
    while scalar:
        if scalar & 1:
            result = _add(result, addend)
        addend = _add(addend, addend)
        scalar >>= 1
    assert result is not None
    return result


def public_x(private_key: bytes) -> int:
    """The x coordinate of a private key's public key."""
    return multiply(int.from_bytes(private_key, "big"), G)[0]


def shared_x(private_key: bytes, theirs: bytes) -> bytes:
    """The x-only ECDH of a private key and 64 bytes, 32 bytes."""
    x = decode(theirs)
    y = sqrt(x**3 + 7)
    assert y is not None
    return multiply(int.from_bytes(private_key, "big"), (x, y))[0].to_bytes(32, "big")


def xdh(private_key: bytes, ours: bytes, theirs: bytes, *, initiating: bool) -> bytes:
    """The shared secret of BIP324, 32 bytes."""
    tag = sha256(b"bip324_ellswift_xonly_ecdh").digest()
    first, second = (ours, theirs) if initiating else (theirs, ours)
    return sha256(tag + tag + first + second + shared_x(private_key, theirs)).digest()
