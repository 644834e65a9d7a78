"""The curve library does what BIP324 says, judged by its vectors and by plain integers."""

from __future__ import annotations

import subprocess
import sys

import pytest
from btclib_secp256k1 import ellswift as library

from bitcoin_handshake.errors import EnvironmentFailure, LocalProtocolError
from bitcoin_handshake.transport.bip324 import ellswift
from tests import ellswift_oracle as oracle
from tests.v2_peers import csv_rows, key_pair, packet_vectors

PRIVATE_KEY = bytes(31) + b"\x07"


def test_every_decode_vector_gives_its_x() -> None:
    rows = list(csv_rows("bip324_ellswift_decode_test_vectors.csv"))
    assert len(rows) == 76
    for row in rows:
        encoded = bytes.fromhex(row["ellswift"])
        assert library.decode(encoded)[1:].hex() == row["x"], row["comment"]
        assert f"{oracle.decode(encoded):064x}" == row["x"], row["comment"]


def test_every_inverse_vector_gives_its_t_and_decodes_to_its_x() -> None:
    rows = list(csv_rows("bip324_xswiftec_inv_test_vectors.csv"))
    assert len(rows) == 32
    for row in rows:
        u, x = int(row["u"], 16), int(row["x"], 16)
        for case in range(8):
            t = oracle.xswiftec_inv(x, u, case)
            shown = "" if t is None else f"{t:064x}"
            assert shown == row[f"case{case}_t"], (row["comment"], case)
            if shown:
                assert library.decode(bytes.fromhex(row["u"] + shown))[1:].hex() == row["x"]


def test_packet_vectors_give_their_coordinates_and_secret() -> None:
    vectors = packet_vectors()
    assert len(vectors) == 7
    for vector in vectors:
        assert oracle.decode(vector.ours).to_bytes(32, "big") == vector.x_ours
        assert oracle.public_x(vector.private_key).to_bytes(32, "big") == vector.x_ours
        assert oracle.decode(vector.theirs).to_bytes(32, "big") == vector.x_theirs
        assert oracle.shared_x(vector.private_key, vector.theirs) == vector.x_shared
        secret = ellswift.xdh(vector.ours, vector.theirs, vector.private_key, initiating=vector.initiating)
        assert secret == vector.secret


def test_created_encoding_decodes_to_the_public_key() -> None:
    encoded = ellswift.create(PRIVATE_KEY, bytes(32))
    assert len(encoded) == ellswift.ELLSWIFT_LEN
    assert oracle.decode(encoded) == oracle.public_x(PRIVATE_KEY)
    assert ellswift.create(PRIVATE_KEY, bytes(32)) == encoded
    assert ellswift.create(PRIVATE_KEY, b"\1" * 32) != encoded


def test_both_sides_and_the_oracle_agree_on_the_secret() -> None:
    (a, a_key), (b, b_key) = key_pair(3), key_pair(4)
    secret = ellswift.xdh(a_key, b_key, a, initiating=True)
    assert secret == ellswift.xdh(b_key, a_key, b, initiating=False)
    assert secret == oracle.xdh(a, a_key, b_key, initiating=True)
    assert secret != ellswift.xdh(a_key, b_key, a, initiating=False)


@pytest.mark.parametrize("private_key", [bytes(32), oracle.N.to_bytes(32, "big"), bytes(31)])
def test_bad_private_key_is_a_bug_of_ours(private_key: bytes) -> None:
    with pytest.raises(LocalProtocolError):
        ellswift.create(private_key, bytes(32))
    with pytest.raises(LocalProtocolError):
        ellswift.xdh(bytes(64), bytes(64), private_key, initiating=True)


def test_without_the_library_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    ellswift.check_available()
    monkeypatch.setattr(ellswift, "_library", ellswift._library.__wrapped__)  # as if never loaded
    monkeypatch.delattr("btclib_secp256k1.ellswift")
    monkeypatch.setitem(sys.modules, "btclib_secp256k1.ellswift", None)
    with pytest.raises(EnvironmentFailure, match="btclib-secp256k1"):
        ellswift.check_available()
    with pytest.raises(EnvironmentFailure, match="btclib-secp256k1"):
        ellswift.create(PRIVATE_KEY, bytes(32))
    with pytest.raises(EnvironmentFailure, match="btclib-secp256k1"):
        ellswift.xdh(bytes(64), bytes(64), PRIVATE_KEY, initiating=True)


def test_importing_the_transport_loads_neither_library() -> None:
    code = (
        "import sys, bitcoin_handshake.transport.v2;"
        "print([name for name in sys.modules if name.startswith(('btclib', 'cryptography'))])"
    )
    path = ":".join(entry for entry in sys.path if entry)
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={"PYTHONPATH": path},
    )
    assert result.stdout.strip() == "[]"
