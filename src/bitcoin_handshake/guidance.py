"""What a user can do about a failure code.

Owns the phases in which each code occurs and the advice that belongs to it. The pages in
`docs/codes/`, `bitcoin-handshake help CODE` and the findings of other commands take both from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bitcoin_handshake.codes import FailureCode, Phase

__all__ = ["GUIDANCE", "Guidance"]


@dataclass(frozen=True, slots=True)
class Guidance:
    """What is known about a code besides its sentence.

    Attributes:
        advice: What a user can do, in one or more sentences, as Markdown.
        phases: The phases in which the code occurs; empty where a record has none.
    """

    advice: str
    phases: tuple[Phase, ...] = ()


_RESOLVE = (Phase.RESOLVE,)
_CONNECT = (Phase.CONNECT,)
_PROXY = (Phase.PROXY,)
_V1 = (Phase.VERSION, Phase.VERACK)
_FOREIGN = (Phase.KEY, Phase.VERSION, Phase.VERACK)
_PACKETS = (Phase.VERSION_PACKET, Phase.VERSION, Phase.VERACK)
_PEER = (Phase.KEY, Phase.GARBAGE, *_PACKETS)

_OTHER_SERVICE = (
    "Another service uses this address and port. Check the port of your target. If a DNS seed gave the "
    "address, tell the operator of the seed."
)
_CODEC = (
    "Only the message codecs of the library raise this. In a record the code is "
    "`handshake.bad_version_message`, and `anomalies` lists the message."
)
_REPORT = (
    "This is a bug in bitcoin-handshake. Please report it, with the output of the same command and "
    "`--log-level debug`."
)

GUIDANCE: Mapping[FailureCode, Guidance] = MappingProxyType(
    {
        FailureCode.INPUT_BAD_TARGET: Guidance(
            "Correct the target. The reason says what is wrong with it. Targets are names, IP addresses, and "
            "`@FILE` for a list."
        ),
        FailureCode.INPUT_BAD_OPTION: Guidance(
            "No record has this code. The command line ends with exit code 2, the library raises "
            "`InputError`. Correct the option or argument that the message names."
        ),
        FailureCode.RESOLVE_FAILED: Guidance(
            "The resolver of this system gives no further detail. Ask a DNS server directly, for example "
            "with `--resolver 9.9.9.9`, to see its answer.",
            _RESOLVE,
        ),
        FailureCode.RESOLVE_NXDOMAIN: Guidance(
            "Check the spelling of the name. If it is a DNS seed, the seed may have been switched off.",
            _RESOLVE,
        ),
        FailureCode.RESOLVE_NO_ADDRESSES: Guidance(
            "Leave out `-4` or `-6`. If that does not help, the seed has no addresses to give at the moment: "
            "try again later.",
            _RESOLVE,
        ),
        FailureCode.RESOLVE_SERVFAIL: Guidance(
            "The name servers of this zone are down, or its DNSSEC signatures are wrong. Try another server "
            "with `--resolver`, or try later.",
            _RESOLVE,
        ),
        FailureCode.RESOLVE_REFUSED: Guidance(
            "Check the address and the port of `--resolver`. The server may answer its own network only.",
            _RESOLVE,
        ),
        FailureCode.RESOLVE_TIMEOUT: Guidance(
            "Check the connection to the DNS server, try another with `--resolver`, or raise `--timeout`.",
            _RESOLVE,
        ),
        FailureCode.RESOLVE_BAD_ANSWER: Guidance(
            "The DNS server does not follow the standard, or something on the path changes its answers. "
            "Compare with another `--resolver`.",
            _RESOLVE,
        ),
        FailureCode.RESOLVE_CNAME_LOOP: Guidance(
            "The zone is configured wrongly. Tell its operator.",
            _RESOLVE,
        ),
        FailureCode.CONNECT_REFUSED: Guidance(
            "The host answers, but nothing listens on this port. The node is stopped, listens on another "
            "port, or a firewall rejects the connection. On your own node check `listen=1`, `bind=` and "
            "`port=`.",
            _CONNECT,
        ),
        FailureCode.CONNECT_UNREACHABLE: Guidance(
            "If every IPv6 address ends like this, this machine has no IPv6: use `-4`. Otherwise the "
            "network of the node cannot be reached from here.",
            _CONNECT,
        ),
        FailureCode.CONNECT_TIMEOUT: Guidance(
            "The host is down, or a firewall drops the packets. Try again with a longer `--timeout`. On your "
            "own node check the firewall and the port forwarding of the router.",
            _CONNECT,
        ),
        FailureCode.CONNECT_FAILED: Guidance(
            "The operating system gave an error that has no code of its own. The reason contains its text.",
            _CONNECT,
        ),
        FailureCode.PROXY_UNREACHABLE: Guidance("Start the proxy, or correct its address.", _PROXY),
        FailureCode.PROXY_STOPPED: Guidance(
            "Look at the log of the proxy, start it again, and repeat the run for the remaining nodes.",
            _PROXY,
        ),
        FailureCode.PROXY_CLOSED: Guidance(
            "Many proxies close the connection to refuse a request. The reason says at which step. Look "
            "at the log of the proxy.",
            _PROXY,
        ),
        FailureCode.PROXY_RESET: Guidance("As for `proxy.closed`.", _PROXY),
        FailureCode.PROXY_SILENT: Guidance(
            "The service at this address is not a proxy, or it hangs. Check the address.", _PROXY
        ),
        FailureCode.PROXY_TIMEOUT: Guidance(
            "The node is down, or the path to it is slow. Try again with a longer `--timeout`.", _PROXY
        ),
        FailureCode.PROXY_SPEAKS_HTTP: Guidance("An HTTP proxy is given as `http://HOST:PORT`.", _PROXY),
        FailureCode.PROXY_NOT_SOCKS5: Guidance(
            "Correct the address. The service there is not SOCKS5; it may be SOCKS4.", _PROXY
        ),
        FailureCode.PROXY_NOT_HTTP: Guidance("A SOCKS5 proxy is given without `http://`.", _PROXY),
        FailureCode.PROXY_NOT_SAM: Guidance(
            "Correct its address; switch the SAM bridge on in the router.", _PROXY
        ),
        FailureCode.PROXY_BAD_REPLY: Guidance(
            "The proxy is broken. The reason contains the details.", _PROXY
        ),
        FailureCode.PROXY_AUTH_REQUIRED: Guidance(
            "Give a user name and a password: `socks5://USER:PASSWORD@HOST:PORT`.", _PROXY
        ),
        FailureCode.PROXY_AUTH_FAILED: Guidance("Correct the user name and the password.", _PROXY),
        FailureCode.SOCKS5_GENERAL_FAILURE: Guidance(
            "The proxy gives no further detail. If Tor answers like this for every node, it is not ready "
            "yet.",
            _PROXY,
        ),
        FailureCode.SOCKS5_NOT_ALLOWED: Guidance("The rules of the proxy forbid it.", _PROXY),
        FailureCode.SOCKS5_NETWORK_UNREACHABLE: Guidance(
            "If all IPv6 addresses end like this, the proxy has no IPv6.", _PROXY
        ),
        FailureCode.SOCKS5_HOST_UNREACHABLE: Guidance("The node or the path to it is down.", _PROXY),
        FailureCode.SOCKS5_REFUSED: Guidance("The node is down or listens on another port.", _PROXY),
        FailureCode.SOCKS5_TTL_EXPIRED: Guidance(
            "The node or the path to it is down. Tor gives this answer if no exit reached the node in time.",
            _PROXY,
        ),
        FailureCode.SOCKS5_COMMAND_NOT_SUPPORTED: Guidance(
            "This is not a complete SOCKS5 proxy. Only Tor knows the command RESOLVE.", _PROXY
        ),
        FailureCode.SOCKS5_ADDRESS_TYPE_NOT_SUPPORTED: Guidance(
            "The proxy does not know names or IPv6.", _PROXY
        ),
        FailureCode.SOCKS5_UNKNOWN_REPLY: Guidance("Look into the proxy's log.", _PROXY),
        FailureCode.ONION_DESCRIPTOR_NOT_FOUND: Guidance(
            "The node is gone, or its address is misspelled.", _PROXY
        ),
        FailureCode.ONION_DESCRIPTOR_INVALID: Guidance(
            "The service is broken, or it needs a newer Tor.", _PROXY
        ),
        FailureCode.ONION_INTRODUCTION_FAILED: Guidance(
            "The node was online until a short time ago. Try again later.", _PROXY
        ),
        FailureCode.ONION_RENDEZVOUS_FAILED: Guidance(
            "Try again. If it stays like this, the service is overloaded.", _PROXY
        ),
        FailureCode.ONION_MISSING_AUTHORIZATION: Guidance(
            "The service is private. Its owner has to give you a key.", _PROXY
        ),
        FailureCode.ONION_WRONG_AUTHORIZATION: Guidance(
            "The key that Tor was given is wrong or was withdrawn.", _PROXY
        ),
        FailureCode.ONION_BAD_ADDRESS: Guidance("Correct the address.", _PROXY),
        FailureCode.ONION_INTRODUCTION_TIMED_OUT: Guidance("Try again with a longer `--timeout`.", _PROXY),
        FailureCode.HTTP_NOT_ALLOWED: Guidance(
            "The rules of the proxy forbid it. Many HTTP proxies allow port 443 only.", _PROXY
        ),
        FailureCode.HTTP_UNREACHABLE: Guidance("The node or the path to it is down.", _PROXY),
        FailureCode.HTTP_GATEWAY_TIMEOUT: Guidance(
            "The node is down, filtered or slow. Try again with a longer `--timeout`.", _PROXY
        ),
        FailureCode.HTTP_UNEXPECTED_STATUS: Guidance(
            "This is a web server, or a proxy without CONNECT.", _PROXY
        ),
        FailureCode.SAM_CANT_REACH_PEER: Guidance("The node is down.", _PROXY),
        FailureCode.SAM_PEER_NOT_FOUND: Guidance("The node is down, or its address is misspelled.", _PROXY),
        FailureCode.SAM_LEASESET_NOT_FOUND: Guidance("The node is down.", _PROXY),
        FailureCode.SAM_TIMEOUT: Guidance(
            "The node is down, or the tunnels are slow. Try again with a longer `--timeout`.", _PROXY
        ),
        FailureCode.SAM_KEY_NOT_FOUND: Guidance("The node is down, or its address is misspelled.", _PROXY),
        FailureCode.SAM_INVALID_KEY: Guidance("The node is down, or its address is misspelled.", _PROXY),
        FailureCode.SAM_INVALID_ID: Guidance(
            "The router was restarted. Repeat the run for these nodes.", _PROXY
        ),
        FailureCode.SAM_DUPLICATED_ID: Guidance("Try again.", _PROXY),
        FailureCode.SAM_DUPLICATED_DEST: Guidance("Try again.", _PROXY),
        FailureCode.SAM_I2P_ERROR: Guidance("Look into the router's log.", _PROXY),
        FailureCode.SAM_NO_VERSION: Guidance("The router is too old.", _PROXY),
        FailureCode.SAM_UNKNOWN_RESULT: Guidance("Look into the router's log.", _PROXY),
        FailureCode.PEER_CLOSED: Guidance(
            "If nothing was received, all connection slots of the node may be in use, it may have banned "
            "your address, or it is a node of another chain. Try again later or from another address.",
            _PEER,
        ),
        FailureCode.PEER_RESET: Guidance(
            "As for `peer.closed`. A firewall or a proxy on the path can also reset connections.",
            _PEER,
        ),
        FailureCode.PEER_TIMEOUT: Guidance(
            "The connection was made, but the handshake did not finish in time. The node hangs, the path is "
            "slow, or something else accepts connections in its place. Try again with a longer `--timeout`.",
            _PEER,
        ),
        FailureCode.PEER_FLOOD: Guidance(
            "The peer does not behave like a Bitcoin node. The reason contains the byte counts.",
            _PEER,
        ),
        FailureCode.PEER_REJECTED: Guidance(
            "The reason contains the words of the peer. `obsolete` means that it wants a newer protocol "
            "version, `duplicate` that it already has a connection from this address.",
            _V1,
        ),
        FailureCode.V1_BAD_MAGIC: Guidance(
            "The peer is not a Bitcoin node, or it is a node of a chain that is not known here. For such a "
            "chain set `--magic`.",
            _V1,
        ),
        FailureCode.V1_OTHER_CHAIN: Guidance(
            "The reason names the chain of the peer. Select it with `-n` if you want to talk to it.",
            _V1,
        ),
        FailureCode.V1_MESSAGE_TOO_LARGE: Guidance(
            "The peer is broken or hostile. Bitcoin Core closes the connection in the same case.",
            _V1,
        ),
        FailureCode.FOREIGN_HTTP: Guidance(_OTHER_SERVICE, _FOREIGN),
        FailureCode.FOREIGN_TLS: Guidance(_OTHER_SERVICE, _FOREIGN),
        FailureCode.FOREIGN_SSH: Guidance(_OTHER_SERVICE, _FOREIGN),
        FailureCode.FOREIGN_FTP: Guidance(_OTHER_SERVICE, _FOREIGN),
        FailureCode.FOREIGN_SMTP: Guidance(_OTHER_SERVICE, _FOREIGN),
        FailureCode.FOREIGN_IMAP: Guidance(_OTHER_SERVICE, _FOREIGN),
        FailureCode.FOREIGN_POP3: Guidance(_OTHER_SERVICE, _FOREIGN),
        FailureCode.FOREIGN_MYSQL: Guidance(_OTHER_SERVICE, _FOREIGN),
        FailureCode.FOREIGN_TELNET: Guidance(_OTHER_SERVICE, _FOREIGN),
        FailureCode.FOREIGN_VNC: Guidance(_OTHER_SERVICE, _FOREIGN),
        FailureCode.FOREIGN_TEXT: Guidance(_OTHER_SERVICE, _FOREIGN),
        FailureCode.V2_NO_GARBAGE_TERMINATOR: Guidance(
            "The peer does not speak the v2 transport, or it is a node of another chain. Try "
            "`--transport v1`, or another chain with `-n`.",
            (Phase.GARBAGE,),
        ),
        FailureCode.V2_AUTHENTICATION_FAILED: Guidance(
            "Something on the path changes the bytes, or the peer is broken. Try again from another network.",
            _PACKETS,
        ),
        FailureCode.V2_PACKET_TOO_LARGE: Guidance(
            "The peer is broken or hostile, or something on the path changes the bytes.",
            _PACKETS,
        ),
        FailureCode.V2_LOOKS_LIKE_V1: Guidance(
            "The peer speaks v1. Use `--transport auto` or `--transport v1`.",
            (Phase.KEY,),
        ),
        FailureCode.V2_OTHER_CHAIN: Guidance(
            "The peer is a node of another chain. Select that chain with `-n`.",
            (Phase.GARBAGE,),
        ),
        FailureCode.WIRE_TRUNCATED: Guidance(_CODEC),
        FailureCode.WIRE_TRAILING_BYTES: Guidance(_CODEC),
        FailureCode.WIRE_NON_MINIMAL_COMPACT_SIZE: Guidance(_CODEC),
        FailureCode.WIRE_FIELD_TOO_LONG: Guidance(_CODEC),
        FailureCode.WIRE_BAD_ENCODING: Guidance(_CODEC),
        FailureCode.HANDSHAKE_BAD_VERSION_MESSAGE: Guidance(
            "The peer is broken. The reason names the field that could not be read. `--transcript` records "
            "the bytes.",
            (Phase.VERSION,),
        ),
        FailureCode.HANDSHAKE_VERSION_TOO_OLD: Guidance(
            "The peer runs a release from before 2011, or it is not a Bitcoin node.",
            (Phase.VERSION,),
        ),
        FailureCode.HANDSHAKE_SELF_CONNECTION: Guidance(
            "The address leads to an echo service, or back to this program.",
            (Phase.KEY, Phase.VERSION),
        ),
        FailureCode.POLICY_NOT_ROUTABLE: Guidance(
            "Addresses that DNS or peers gave are not dialled if they are private or reserved. If the "
            "network is yours, use `--allow-private`, or type the address."
        ),
        FailureCode.POLICY_ADDRESS_FAMILY: Guidance("Leave out `-4` or `-6`."),
        FailureCode.POLICY_NO_PROXY: Guidance(
            "The address belongs to a network that is reached through a proxy, and there is none. Start Tor "
            "or an I2P router, or name it with `--onion` or `--i2psam`; the reason says what was tried."
        ),
        FailureCode.POLICY_ONLYNET: Guidance("Add the network with another `--onlynet`."),
        FailureCode.POLICY_NO_ROUTE: Guidance(
            "Where all IPv6 addresses end so, this machine has no IPv6: use `-4`, or `--proxy`."
        ),
        FailureCode.POLICY_BAD_PORT: Guidance("Type the address, if you are sure that a node listens there."),
        FailureCode.POLICY_BLOCKED: Guidance(
            "An entry of the hosts file with the address 0.0.0.0 or :: blocks a name. Remove the entry, or "
            "ask a DNS server with `--resolver`."
        ),
        FailureCode.POLICY_EXCLUDED: Guidance("Take it off the list, if its owner agrees."),
        FailureCode.POLICY_DUPLICATE: Guidance("Nothing: an address is dialled once in a run."),
        FailureCode.POLICY_DRY_RUN: Guidance("Leave out `--dry-run` to dial it."),
        FailureCode.LOCAL_ENVIRONMENT: Guidance(
            "The run ends with exit code 4. Correct what the message names: a file, the disk, the limit of "
            "open files, or the proxy."
        ),
        FailureCode.LOCAL_PROTOCOL: Guidance(_REPORT),
        FailureCode.INTERNAL: Guidance(_REPORT),
    }
)
