"""What is said on a connection after the handshake: pure conversations, owned by a session.

`base` has the interface and `HangUp`, the shortest conversation; each other module holds one
conversation. None of them has a socket, a clock or a source of randomness.
"""

from bitcoin_handshake.conversation.base import HANG_UP, Conversation, HangUp
from bitcoin_handshake.conversation.getaddr import AddressAnswer, GetAddr
from bitcoin_handshake.conversation.linger import Linger
from bitcoin_handshake.conversation.scripted import Scripted, ScriptResult

__all__ = [
    "HANG_UP",
    "AddressAnswer",
    "Conversation",
    "GetAddr",
    "HangUp",
    "Linger",
    "ScriptResult",
    "Scripted",
]
