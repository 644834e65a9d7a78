"""ElligatorSwift: the two curve operations of BIP324, from libsecp256k1.

Owns the adaptor over the library `btclib-secp256k1` and nothing of the curve itself. The
library is loaded at the first use (18 ms), so that a run that speaks v1 only never pays for it.

A private key and its encoding belong together as inputs: one key has about 2**256 encodings, and
creating one draws on 32 bytes of entropy that the caller supplies.

Sources: BIP324, "ElligatorSwift encoding of curve X coordinates" and "Shared secret computation".
"""

from __future__ import annotations

from functools import cache
from types import ModuleType

from bitcoin_handshake.errors import EnvironmentFailure, LocalProtocolError

__all__ = ["ELLSWIFT_LEN", "PRIVATE_KEY_LEN", "check_available", "create", "xdh"]

PRIVATE_KEY_LEN = 32
ELLSWIFT_LEN = 64
"""Length of an encoded public key in bytes; all 2**512 strings of this length decode."""


def check_available() -> None:
    """Load the curve library; without it there is no v2 transport.

    Raises:
        EnvironmentFailure: It does not load.
    """
    _library()


def create(private_key: bytes, aux_rand: bytes) -> bytes:
    """Encode the public key of a private key.

    Args:
        private_key: PRIVATE_KEY_LEN (32) bytes, big-endian, 1 to the curve's order less 1.
        aux_rand: 32 random bytes, which choose one of the encodings.

    Returns:
        ELLSWIFT_LEN (64) bytes that look random.

    Raises:
        LocalProtocolError: The private key is out of range, or a length is wrong.
        EnvironmentFailure: The curve library cannot be loaded.

    Spec:
        BIP324, "ElligatorSwift encoding of curve X coordinates".
    """
    try:
        encoded: bytes = _library().create(private_key, aux_rand)
    except ValueError as error:
        raise LocalProtocolError(f"ellswift.create: {error}") from error
    return encoded


def xdh(ours: bytes, theirs: bytes, private_key: bytes, *, initiating: bool) -> bytes:
    """Compute the secret that both sides share, bound to both encodings.

    Args:
        ours: Our encoded key, ELLSWIFT_LEN (64) bytes.
        theirs: The peer's encoded key, ELLSWIFT_LEN (64) bytes; any bytes are a key.
        private_key: The key behind `ours`, PRIVATE_KEY_LEN (32) bytes; that it is, is not checked.
        initiating: Whether we are the initiator, whose encoding is hashed first on both sides.

    Returns:
        32 bytes, equal on both sides.

    Raises:
        LocalProtocolError: The private key is out of range, or a length is wrong.
        EnvironmentFailure: The curve library cannot be loaded.

    Spec:
        BIP324, "Shared secret computation" (`v2_ecdh`).
    """
    first, second = (ours, theirs) if initiating else (theirs, ours)
    try:
        secret: bytes = _library().xdh(first, second, private_key, 0 if initiating else 1)
    except ValueError as error:
        raise LocalProtocolError(f"ellswift.xdh: {error}") from error
    return secret


# An import statement in a function costs 1 us at every call, where the whole handshake takes 150.
@cache
def _library() -> ModuleType:
    try:
        from btclib_secp256k1 import ellswift
    except ImportError as error:
        raise EnvironmentFailure(
            f"the v2 transport needs the package btclib-secp256k1, which does not load: {error}"
        ) from error
    return ellswift
