"""The cryptography of BIP324, without any state machine: keys, ciphers, message type ids.

`ellswift` adapts the curve library, `keys` derives what a session needs from the shared secret,
`ciphers` encrypts packets, `short_ids` knows the one-byte message types. `transport.v2` is the
only caller in the core. Importing this package loads neither the curve library nor the ciphers.
"""

from __future__ import annotations

__all__: list[str] = []
