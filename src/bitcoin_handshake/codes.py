"""Stable codes of failures and anomalies, and the sentence that each stands for.

Owns `Phase`, `FailureCode`, `AnomalyCode`, and one table of sentences for each kind of code. What
prints or documents a code takes its sentence from here.

Codes are append-only: they are printed, stored and documented.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

__all__ = [
    "ANOMALY_SENTENCES",
    "FAILURE_SENTENCES",
    "AnomalyCode",
    "FailureCode",
    "Phase",
]


class Phase(StrEnum):
    """How far a connection had come when it stopped."""

    RESOLVE = "resolve"  # a name is being looked up; ends with an address
    CONNECT = "connect"  # TCP connect; ends with an established connection
    PROXY = "proxy"  # talking to a SOCKS5 or SAM proxy
    KEY = "key"  # v2: waiting for the peer's 64-byte ElligatorSwift key
    GARBAGE = "garbage"  # v2: looking for the peer's garbage terminator
    VERSION_PACKET = "version_packet"  # v2: waiting for the first packet that is no decoy
    VERSION = "version"  # waiting for a `version` message that parses
    VERACK = "verack"  # a valid `version` has arrived; waiting for `verack`
    GETADDR = "getaddr"  # after the handshake: waiting for addresses


class FailureCode(StrEnum):
    """The stable text codes of everything that ends an attempt."""

    INPUT_BAD_TARGET = "input.bad_target"
    INPUT_BAD_OPTION = "input.bad_option"
    RESOLVE_FAILED = "resolve.failed"
    RESOLVE_NXDOMAIN = "resolve.nxdomain"
    RESOLVE_NO_ADDRESSES = "resolve.no_addresses"
    RESOLVE_SERVFAIL = "resolve.servfail"
    RESOLVE_REFUSED = "resolve.refused"
    RESOLVE_TIMEOUT = "resolve.timeout"
    RESOLVE_BAD_ANSWER = "resolve.bad_answer"
    RESOLVE_CNAME_LOOP = "resolve.cname_loop"
    CONNECT_REFUSED = "connect.refused"
    CONNECT_UNREACHABLE = "connect.unreachable"
    CONNECT_TIMEOUT = "connect.timeout"
    CONNECT_FAILED = "connect.failed"
    PROXY_UNREACHABLE = "proxy.unreachable"
    PROXY_STOPPED = "proxy.stopped"
    PROXY_CLOSED = "proxy.closed"
    PROXY_RESET = "proxy.reset"
    PROXY_SILENT = "proxy.silent"
    PROXY_TIMEOUT = "proxy.timeout"
    PROXY_SPEAKS_HTTP = "proxy.speaks_http"
    PROXY_NOT_SOCKS5 = "proxy.not_socks5"
    PROXY_NOT_HTTP = "proxy.not_http"
    PROXY_NOT_SAM = "proxy.not_sam"
    PROXY_BAD_REPLY = "proxy.bad_reply"
    PROXY_AUTH_REQUIRED = "proxy.auth_required"
    PROXY_AUTH_FAILED = "proxy.auth_failed"
    SOCKS5_GENERAL_FAILURE = "socks5.general_failure"
    SOCKS5_NOT_ALLOWED = "socks5.not_allowed"
    SOCKS5_NETWORK_UNREACHABLE = "socks5.network_unreachable"
    SOCKS5_HOST_UNREACHABLE = "socks5.host_unreachable"
    SOCKS5_REFUSED = "socks5.refused"
    SOCKS5_TTL_EXPIRED = "socks5.ttl_expired"
    SOCKS5_COMMAND_NOT_SUPPORTED = "socks5.command_not_supported"
    SOCKS5_ADDRESS_TYPE_NOT_SUPPORTED = "socks5.address_type_not_supported"
    SOCKS5_UNKNOWN_REPLY = "socks5.unknown_reply"
    ONION_DESCRIPTOR_NOT_FOUND = "onion.descriptor_not_found"
    ONION_DESCRIPTOR_INVALID = "onion.descriptor_invalid"
    ONION_INTRODUCTION_FAILED = "onion.introduction_failed"
    ONION_RENDEZVOUS_FAILED = "onion.rendezvous_failed"
    ONION_MISSING_AUTHORIZATION = "onion.missing_authorization"
    ONION_WRONG_AUTHORIZATION = "onion.wrong_authorization"
    ONION_BAD_ADDRESS = "onion.bad_address"
    ONION_INTRODUCTION_TIMED_OUT = "onion.introduction_timed_out"
    HTTP_NOT_ALLOWED = "http_proxy.not_allowed"
    HTTP_UNREACHABLE = "http_proxy.unreachable"
    HTTP_GATEWAY_TIMEOUT = "http_proxy.gateway_timeout"
    HTTP_UNEXPECTED_STATUS = "http_proxy.unexpected_status"
    SAM_CANT_REACH_PEER = "sam.cant_reach_peer"
    SAM_PEER_NOT_FOUND = "sam.peer_not_found"
    SAM_LEASESET_NOT_FOUND = "sam.leaseset_not_found"
    SAM_TIMEOUT = "sam.timeout"
    SAM_KEY_NOT_FOUND = "sam.key_not_found"
    SAM_INVALID_KEY = "sam.invalid_key"
    SAM_INVALID_ID = "sam.invalid_id"
    SAM_DUPLICATED_ID = "sam.duplicated_id"
    SAM_DUPLICATED_DEST = "sam.duplicated_dest"
    SAM_I2P_ERROR = "sam.i2p_error"
    SAM_NO_VERSION = "sam.no_version"
    SAM_UNKNOWN_RESULT = "sam.unknown_result"
    PEER_CLOSED = "peer.closed"
    PEER_RESET = "peer.reset"
    PEER_TIMEOUT = "peer.timeout"
    PEER_FLOOD = "peer.flood"
    PEER_REJECTED = "peer.rejected"
    V1_BAD_MAGIC = "v1.bad_magic"
    V1_OTHER_CHAIN = "v1.other_chain"
    V1_MESSAGE_TOO_LARGE = "v1.message_too_large"
    FOREIGN_HTTP = "foreign.http"
    FOREIGN_TLS = "foreign.tls"
    FOREIGN_SSH = "foreign.ssh"
    FOREIGN_FTP = "foreign.ftp"
    FOREIGN_SMTP = "foreign.smtp"
    FOREIGN_IMAP = "foreign.imap"
    FOREIGN_POP3 = "foreign.pop3"
    FOREIGN_MYSQL = "foreign.mysql"
    FOREIGN_TELNET = "foreign.telnet"
    FOREIGN_VNC = "foreign.vnc"
    FOREIGN_TEXT = "foreign.text"
    V2_NO_GARBAGE_TERMINATOR = "v2.no_garbage_terminator"
    V2_AUTHENTICATION_FAILED = "v2.authentication_failed"
    V2_PACKET_TOO_LARGE = "v2.packet_too_large"
    V2_LOOKS_LIKE_V1 = "v2.looks_like_v1"
    V2_OTHER_CHAIN = "v2.other_chain"
    WIRE_TRUNCATED = "wire.truncated"
    WIRE_TRAILING_BYTES = "wire.trailing_bytes"
    WIRE_NON_MINIMAL_COMPACT_SIZE = "wire.non_minimal_compact_size"
    WIRE_FIELD_TOO_LONG = "wire.field_too_long"
    WIRE_BAD_ENCODING = "wire.bad_encoding"
    HANDSHAKE_BAD_VERSION_MESSAGE = "handshake.bad_version_message"
    HANDSHAKE_VERSION_TOO_OLD = "handshake.version_too_old"
    HANDSHAKE_SELF_CONNECTION = "handshake.self_connection"
    POLICY_NOT_ROUTABLE = "policy.not_routable"
    POLICY_ADDRESS_FAMILY = "policy.address_family"
    POLICY_NO_PROXY = "policy.no_proxy"
    POLICY_ONLYNET = "policy.onlynet"
    POLICY_NO_ROUTE = "policy.no_route"
    POLICY_BAD_PORT = "policy.bad_port"
    POLICY_BLOCKED = "policy.blocked"
    POLICY_EXCLUDED = "policy.excluded"
    POLICY_DUPLICATE = "policy.duplicate"
    POLICY_DRY_RUN = "policy.dry_run"
    LOCAL_ENVIRONMENT = "local.environment"
    LOCAL_PROTOCOL = "local.protocol"
    INTERNAL = "internal"


# One sentence for each code, without a final full stop. Tables in the documents are compared with it.
FAILURE_SENTENCES: Mapping[FailureCode, str] = MappingProxyType(
    {
        FailureCode.INPUT_BAD_TARGET: "A target is neither a name nor an address",
        FailureCode.INPUT_BAD_OPTION: "The text or the options of the caller are wrong",
        FailureCode.RESOLVE_FAILED: "A name gave no address",
        FailureCode.RESOLVE_NXDOMAIN: "NXDOMAIN: the name does not exist",
        FailureCode.RESOLVE_NO_ADDRESSES: (
            "The name exists and has no A or AAAA record of the families asked for"
        ),
        FailureCode.RESOLVE_SERVFAIL: "SERVFAIL, or another error code of the server",
        FailureCode.RESOLVE_REFUSED: "REFUSED: the server does not answer us, or nothing listens there",
        FailureCode.RESOLVE_TIMEOUT: "No answer before the limit",
        FailureCode.RESOLVE_BAD_ANSWER: "The answer is malformed, or holds records of another name only",
        FailureCode.RESOLVE_CNAME_LOOP: "The chain of CNAME records is a loop or too long",
        FailureCode.CONNECT_REFUSED: "The host is up and nothing listens there",
        FailureCode.CONNECT_UNREACHABLE: "No route to the host or its network",
        FailureCode.CONNECT_TIMEOUT: "The deadline passed before the connection was established",
        FailureCode.CONNECT_FAILED: "The operating system gave another reason",
        FailureCode.PROXY_UNREACHABLE: "The proxy cannot be connected to",
        FailureCode.PROXY_STOPPED: "The proxy worked earlier in this run and cannot be connected to any more",
        FailureCode.PROXY_CLOSED: "The proxy closed the connection before it connected us",
        FailureCode.PROXY_RESET: "The proxy reset the connection before it connected us",
        FailureCode.PROXY_SILENT: (
            "The proxy accepted the connection and never answered, or stopped in the middle of an answer"
        ),
        FailureCode.PROXY_TIMEOUT: "The proxy took our request and did not reach the node in time",
        FailureCode.PROXY_SPEAKS_HTTP: "The proxy answered in HTTP, not in the protocol asked for",
        FailureCode.PROXY_NOT_SOCKS5: "The proxy answered in something other than SOCKS5",
        FailureCode.PROXY_NOT_HTTP: "The proxy answered in something other than HTTP",
        FailureCode.PROXY_NOT_SAM: "The SAM bridge answered in something other than SAM",
        FailureCode.PROXY_BAD_REPLY: "An answer of the proxy is malformed, or over its limit",
        FailureCode.PROXY_AUTH_REQUIRED: "The proxy asks for an authentication that we did not offer",
        FailureCode.PROXY_AUTH_FAILED: "The proxy refused the user name or the password",
        FailureCode.SOCKS5_GENERAL_FAILURE: "SOCKS5 reply 01: a general failure, which says no more",
        FailureCode.SOCKS5_NOT_ALLOWED: "SOCKS5 reply 02: the proxy's rules do not allow the connection",
        FailureCode.SOCKS5_NETWORK_UNREACHABLE: (
            "SOCKS5 reply 03: the proxy has no route to the node's network"
        ),
        FailureCode.SOCKS5_HOST_UNREACHABLE: "SOCKS5 reply 04: the proxy cannot reach the node's host",
        FailureCode.SOCKS5_REFUSED: "SOCKS5 reply 05: the node's host refused the connection",
        FailureCode.SOCKS5_TTL_EXPIRED: "SOCKS5 reply 06: the TTL expired on the way to the node",
        FailureCode.SOCKS5_COMMAND_NOT_SUPPORTED: "SOCKS5 reply 07: the proxy does not support the command",
        FailureCode.SOCKS5_ADDRESS_TYPE_NOT_SUPPORTED: (
            "SOCKS5 reply 08: the proxy does not support the type of address"
        ),
        FailureCode.SOCKS5_UNKNOWN_REPLY: "A SOCKS5 reply that neither RFC 1928 nor Tor defines",
        FailureCode.ONION_DESCRIPTOR_NOT_FOUND: (
            "Tor reply F0: no descriptor of the onion service is published"
        ),
        FailureCode.ONION_DESCRIPTOR_INVALID: (
            "Tor reply F1: the descriptor of the onion service cannot be used"
        ),
        FailureCode.ONION_INTRODUCTION_FAILED: (
            "Tor reply F2: no introduction point passed us on: the service is gone"
        ),
        FailureCode.ONION_RENDEZVOUS_FAILED: "Tor reply F3: the service did not come to the rendezvous",
        FailureCode.ONION_MISSING_AUTHORIZATION: (
            "Tor reply F4: the service wants client authorisation, and Tor has none"
        ),
        FailureCode.ONION_WRONG_AUTHORIZATION: (
            "Tor reply F5: the service does not accept the client authorisation that Tor has"
        ),
        FailureCode.ONION_BAD_ADDRESS: (
            "Tor reply F6: Tor does not take the address for that of an onion service"
        ),
        FailureCode.ONION_INTRODUCTION_TIMED_OUT: (
            "Tor reply F7: the introduction to the service took too long"
        ),
        FailureCode.HTTP_NOT_ALLOWED: "The HTTP proxy does not allow the connection (401, 403, 405)",
        FailureCode.HTTP_UNREACHABLE: "The HTTP proxy cannot reach the node (5xx)",
        FailureCode.HTTP_GATEWAY_TIMEOUT: "The node did not answer the HTTP proxy in time (504)",
        FailureCode.HTTP_UNEXPECTED_STATUS: (
            "The HTTP proxy answered CONNECT with a status that has no meaning there"
        ),
        FailureCode.SAM_CANT_REACH_PEER: "The I2P destination is known and does not answer",
        FailureCode.SAM_PEER_NOT_FOUND: "The I2P network does not know the destination",
        FailureCode.SAM_LEASESET_NOT_FOUND: "The I2P destination publishes no way to it",
        FailureCode.SAM_TIMEOUT: "The I2P destination did not answer the router in time",
        FailureCode.SAM_KEY_NOT_FOUND: "The I2P router finds no destination of this name",
        FailureCode.SAM_INVALID_KEY: "The I2P name or destination is not valid, or the router finds none",
        FailureCode.SAM_INVALID_ID: "The I2P router does not know our session any more",
        FailureCode.SAM_DUPLICATED_ID: "The I2P router has a session of this name already",
        FailureCode.SAM_DUPLICATED_DEST: "The I2P router has a session with this destination already",
        FailureCode.SAM_I2P_ERROR: "An error of the I2P router, which says no more",
        FailureCode.SAM_NO_VERSION: "The I2P router does not speak SAM 3.1",
        FailureCode.SAM_UNKNOWN_RESULT: "The I2P router answered with a RESULT that SAM does not define",
        FailureCode.PEER_CLOSED: "The peer closed the connection before the verdict",
        FailureCode.PEER_RESET: "The peer reset the connection before the verdict",
        FailureCode.PEER_TIMEOUT: "The deadline passed before the verdict",
        FailureCode.PEER_FLOOD: "The peer sent far more than any handshake needs, and no verdict",
        FailureCode.PEER_REJECTED: "The peer sent `reject` and then no verdict",
        FailureCode.V1_BAD_MAGIC: "The first bytes of a message are not the magic of our chain",
        FailureCode.V1_OTHER_CHAIN: "The magic is that of another known chain",
        FailureCode.V1_MESSAGE_TOO_LARGE: "A header announces more than MAX_PROTOCOL_MESSAGE_LENGTH bytes",
        FailureCode.FOREIGN_HTTP: "The peer is a web server",
        FailureCode.FOREIGN_TLS: "The peer speaks TLS",
        FailureCode.FOREIGN_SSH: "The peer is an SSH server",
        FailureCode.FOREIGN_FTP: "The peer is an FTP server",
        FailureCode.FOREIGN_SMTP: "The peer is a mail server (SMTP)",
        FailureCode.FOREIGN_IMAP: "The peer is a mail server (IMAP)",
        FailureCode.FOREIGN_POP3: "The peer is a mail server (POP3)",
        FailureCode.FOREIGN_MYSQL: "The peer is a MySQL or MariaDB server",
        FailureCode.FOREIGN_TELNET: "The peer is a Telnet server",
        FailureCode.FOREIGN_VNC: "The peer is a VNC server",
        FailureCode.FOREIGN_TEXT: "The peer is a service that sends lines of text",
        FailureCode.V2_NO_GARBAGE_TERMINATOR: (
            "MAX_GARBAGE_LEN + 16 bytes went by without the garbage terminator"
        ),
        FailureCode.V2_AUTHENTICATION_FAILED: "A packet's tag does not match",
        FailureCode.V2_PACKET_TOO_LARGE: "A packet's decrypted length is over what Core accepts",
        FailureCode.V2_LOOKS_LIKE_V1: "The peer answered a v2 key with a v1 `version` header",
        FailureCode.V2_OTHER_CHAIN: (
            "A key and garbage came, but never a terminator: the key schedule of another chain"
        ),
        FailureCode.WIRE_TRUNCATED: "A field needs more bytes than the message has left",
        FailureCode.WIRE_TRAILING_BYTES: (
            "Bytes remain after the last field of a message that has an exact length"
        ),
        FailureCode.WIRE_NON_MINIMAL_COMPACT_SIZE: "A CompactSize is written longer than its value needs",
        FailureCode.WIRE_FIELD_TOO_LONG: "A length or count is over the limit of its field",
        FailureCode.WIRE_BAD_ENCODING: "A field holds a value that its format does not have",
        FailureCode.HANDSHAKE_BAD_VERSION_MESSAGE: "No `version` of the peer could be parsed before the end",
        FailureCode.HANDSHAKE_VERSION_TOO_OLD: (
            "The peer's protocol version is below MIN_PEER_PROTO_VERSION (31800)"
        ),
        FailureCode.HANDSHAKE_SELF_CONNECTION: (
            "The peer sent back our own nonce or v2 key: an echo, or a connection to ourselves"
        ),
        FailureCode.POLICY_NOT_ROUTABLE: "A learned address that is not globally routable",
        FailureCode.POLICY_ADDRESS_FAMILY: "The address is of a family that -4 or -6 excludes",
        FailureCode.POLICY_NO_PROXY: "The address can be reached by a proxy only, and none is configured",
        FailureCode.POLICY_ONLYNET: "The network is none of those that --onlynet names",
        FailureCode.POLICY_NO_ROUTE: "This machine has no route to the network of the address",
        FailureCode.POLICY_BAD_PORT: (
            "A learned address with port 0, or with that of a well-known other service"
        ),
        FailureCode.POLICY_BLOCKED: "The hosts file of this system blocks the name: it gives 0.0.0.0 or ::",
        FailureCode.POLICY_EXCLUDED: "The target is on the opt-out list of --exclude",
        FailureCode.POLICY_DUPLICATE: "The address was dialled in this run",
        FailureCode.POLICY_DRY_RUN: "With --dry-run nothing is dialled; the reason names the way",
        FailureCode.LOCAL_ENVIRONMENT: (
            "This machine cannot do what was asked: no such file, no descriptors, no proxy"
        ),
        FailureCode.LOCAL_PROTOCOL: (
            "The core was used in a way that the protocol does not allow: a bug in bitcoin-handshake"
        ),
        FailureCode.INTERNAL: "A bug in bitcoin-handshake; it is never counted against a peer",
    }
)


class AnomalyCode(StrEnum):
    """The stable text codes of what a peer did wrong while the session went on."""

    BAD_CHECKSUM = "v1.bad_checksum"
    BAD_MSG_TYPE = "v1.bad_msg_type"
    V2_BAD_MSG_TYPE = "v2.bad_msg_type"
    BAD_VERSION_MESSAGE = "handshake.bad_version_message"
    BEFORE_VERSION = "handshake.before_version"
    DUPLICATE_VERSION = "handshake.duplicate_version"
    DUPLICATE_VERACK = "handshake.duplicate_verack"
    LATE_FEATURE = "handshake.late_feature"
    MALFORMED = "message.malformed"
    TRAILING_BYTES = "message.trailing_bytes"
    IMPLAUSIBLE_VALUE = "message.implausible_value"
    WRONG_PONG = "message.wrong_pong"


ANOMALY_SENTENCES: Mapping[AnomalyCode, str] = MappingProxyType(
    {
        AnomalyCode.BAD_CHECKSUM: "message skipped, as Core does",
        AnomalyCode.BAD_MSG_TYPE: "message skipped, as Core does",
        AnomalyCode.V2_BAD_MSG_TYPE: "unknown short id, empty or bad long form: skipped",
        AnomalyCode.BAD_VERSION_MESSAGE: "skipped; Core goes on waiting",
        AnomalyCode.BEFORE_VERSION: "any message before `version`: ignored",
        AnomalyCode.DUPLICATE_VERSION: "ignored",
        AnomalyCode.DUPLICATE_VERACK: "ignored",
        AnomalyCode.LATE_FEATURE: "negotiation after `verack`: Core would hang up",
        AnomalyCode.MALFORMED: "a known message that does not parse: skipped",
        AnomalyCode.TRAILING_BYTES: "bytes after the last field: ignored",
        AnomalyCode.IMPLAUSIBLE_VALUE: "a time, height, fee or version that makes no sense",
        AnomalyCode.WRONG_PONG: "a `pong` whose nonce is not that of our `ping`",
    }
)
