"""Key derivation against the vectors and the captured session."""

from __future__ import annotations

import hmac
import json

from hypothesis import given
from hypothesis import strategies as st

from bitcoin_handshake.transport.bip324.keys import (
    GARBAGE_TERMINATOR_LEN,
    SESSION_ID_LEN,
    derive_session_keys,
)
from tests.helpers import own_vectors
from tests.v2_peers import MAGIC, OTHER_MAGIC, packet_vectors


def test_derives_the_keys_of_every_packet_vector() -> None:
    for vector in packet_vectors():
        assert derive_session_keys(vector.secret, MAGIC) == vector.keys


def test_derives_the_keys_of_the_captured_session() -> None:
    session = json.loads(own_vectors("observed_v2_session.json").read_text())
    keys = derive_session_keys(bytes.fromhex(session["ecdh_shared_secret"]), bytes.fromhex(session["magic"]))
    assert keys.initiator_l.hex() == session["initiator_L"]
    assert keys.initiator_p.hex() == session["initiator_P"]
    assert keys.responder_l.hex() == session["responder_L"]
    assert keys.responder_p.hex() == session["responder_P"]
    assert keys.initiator_terminator.hex() == session["initiator_garbage_terminator"]
    assert keys.responder_terminator.hex() == session["responder_garbage_terminator"]
    assert keys.session_id.hex() == session["session_id"]


def test_another_magic_gives_other_keys_throughout() -> None:
    ours, theirs = derive_session_keys(bytes(32), MAGIC), derive_session_keys(bytes(32), OTHER_MAGIC)
    for name in ours.__slots__:
        assert getattr(ours, name) != getattr(theirs, name), name


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=4, max_size=4))
def test_is_hkdf_as_the_standard_library_has_hmac(secret: bytes, magic: bytes) -> None:
    keys = derive_session_keys(secret, magic)
    prk = hmac.digest(b"bitcoin_v2_shared_secret" + magic, secret, "sha256")
    assert keys.initiator_l == hmac.digest(prk, b"initiator_L\x01", "sha256")
    assert keys.responder_p == hmac.digest(prk, b"responder_P\x01", "sha256")
    assert keys.session_id == hmac.digest(prk, b"session_id\x01", "sha256")


def test_lengths() -> None:
    keys = derive_session_keys(bytes(32), MAGIC)
    assert len(keys.initiator_terminator) == len(keys.responder_terminator) == GARBAGE_TERMINATOR_LEN == 16
    assert len(keys.session_id) == SESSION_ID_LEN == 32


def test_keys_do_not_show_in_a_repr() -> None:
    keys = derive_session_keys(bytes(32), MAGIC)
    assert keys.initiator_p.hex() not in repr(keys)
    assert repr(keys.initiator_p) not in repr(keys)
