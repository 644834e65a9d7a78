"""The tables of a store, and how older ones become newer ones.

Conventions: one fact per column, integer keys, times as integer milliseconds (`_ms`, UTC) unless the name
says otherwise, CHECK constraints instead of STRICT tables (SQLite before 3.37 cannot open those). Facts
are stored as they came; what can be derived from them is a view.

SQLite's integers are signed, and `services` is an unsigned 64-bit mask: it is stored as two's complement.
Tests of bits work as they are (`services & 2048`), and views show it as 16 hex digits.

History: 1, the first one; 2, audits of DNS seeds.

docs/store.md is made from the text below.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["APPLICATION_ID", "MIGRATIONS", "SCHEMA", "SCHEMA_VERSION"]

APPLICATION_ID = int.from_bytes(b"BtHs")
"""What `file` and we know a store by; PRAGMA application_id."""
SCHEMA_VERSION = 2
"""PRAGMA user_version."""

_SEED_AUDITS = """\
-- One row for each audit of a DNS seed (`seeds --db`).
CREATE TABLE seed_audit (
    seed_audit_id INTEGER PRIMARY KEY,
    audited_ms INTEGER NOT NULL,   -- when it ended
    seed TEXT NOT NULL,            -- name of the seed
    verdict TEXT NOT NULL CHECK (verdict IN ('good', 'poor', 'bad', 'dead', 'unknown')),
    addresses INTEGER NOT NULL,    -- different ones that it answered
    dialled INTEGER NOT NULL,
    reachable INTEGER NOT NULL,
    report TEXT NOT NULL           -- JSON object: all that was found, without the answers
);
CREATE INDEX seed_audit_by_seed ON seed_audit (seed, seed_audit_id);

-- What became of each address of an audit.
CREATE TABLE seed_address (
    seed_audit_id INTEGER NOT NULL REFERENCES seed_audit,
    address TEXT NOT NULL,         -- without a port
    outcome TEXT CHECK (outcome IN ('ok', 'partial', 'failed', 'skipped')), -- NULL: it was not dialled
    code TEXT,                     -- why; NULL on ok
    PRIMARY KEY (seed_audit_id, address)
) WITHOUT ROWID;
"""

SCHEMA = f"""\
-- One row: which chain the store is about.
CREATE TABLE store (
    store_id INTEGER PRIMARY KEY CHECK (store_id = 1),
    chain TEXT NOT NULL,           -- mainnet testnet3 testnet4 signet regtest custom
    magic TEXT NOT NULL CHECK (length(magic) = 8), -- first four bytes of each v1 message, hex
    created_ms INTEGER NOT NULL
);

-- One row for each run that wrote into the store.
CREATE TABLE crawl (
    crawl_id INTEGER PRIMARY KEY,
    command TEXT NOT NULL CHECK (command IN ('crawl', 'handshake')),
    state TEXT NOT NULL CHECK (state IN ('running', 'stopped', 'finished')), -- running: also after a kill
    started_ms INTEGER NOT NULL,
    ended_ms INTEGER,              -- NULL while it runs
    program TEXT NOT NULL,         -- version of bitcoin-handshake
    options TEXT NOT NULL,         -- JSON object of the options that matter
    vantage TEXT                   -- where it ran, in the words of --vantage; NULL if not given
);

-- One row for each address that was ever told, typed or resolved.
CREATE TABLE node (
    node_id INTEGER PRIMARY KEY,   -- 1, 2, 3 ... without gaps, in the order heard
    key BLOB NOT NULL UNIQUE,      -- BIP155: network id, length, address, port (big-endian)
    network TEXT NOT NULL CHECK (network IN ('ipv4', 'ipv6', 'onion', 'i2p', 'cjdns')),
    host TEXT NOT NULL,
    port INTEGER NOT NULL CHECK (port BETWEEN 0 AND 65535),
    heard_ms INTEGER NOT NULL,     -- when it was heard first
    told_by INTEGER REFERENCES node, -- who told it first; NULL: a seed, or the user
    told_time INTEGER NOT NULL,    -- when it was last seen, as that one said, Unix seconds; 0: unknown
    told_services INTEGER NOT NULL -- its services, as that one said; two's complement
);

-- User agents, once each.
CREATE TABLE user_agent (
    user_agent_id INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE      -- printable: what is not is escaped, such as \\x1b
);

-- One row for each connection, or attempt at one.
CREATE TABLE visit (
    visit_id INTEGER PRIMARY KEY,
    crawl_id INTEGER NOT NULL REFERENCES crawl,
    node_id INTEGER NOT NULL REFERENCES node,
    is_verdict INTEGER NOT NULL CHECK (is_verdict IN (0, 1)), -- 1: the one that decides about the node
    ended_ms INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('ok', 'partial', 'failed', 'skipped')),
    phase TEXT,                    -- where it stopped; NULL on ok and skipped
    code TEXT,                     -- why; NULL on ok
    transport TEXT CHECK (transport IN ('v1', 'v2')), -- NULL: the connection was not established
    protocol_version INTEGER,      -- this and all below: NULL where it is not known
    services INTEGER,              -- two's complement
    user_agent_id INTEGER REFERENCES user_agent,
    start_height INTEGER,
    relay INTEGER CHECK (relay IN (0, 1)),
    time_offset_s INTEGER,         -- the clock of the node minus ours
    features TEXT,                 -- what it announced, separated by spaces: wtxidrelay sendaddrv2 ...
    anomalies TEXT,                -- what it did wrong, separated by spaces
    speaks_v2 INTEGER CHECK (speaks_v2 IN (0, 1)), -- measured, not claimed
    connect_ms REAL,
    version_ms REAL,
    verack_ms REAL,
    ping_ms REAL,
    bytes_sent INTEGER,
    bytes_received INTEGER,
    addresses INTEGER              -- entries that it told; NULL: it was not asked
);
CREATE INDEX visit_by_node ON visit (node_id, visit_id);
CREATE INDEX visit_by_crawl ON visit (crawl_id, node_id);

-- Who told whom of whom, with --gossip: one row for each node that answered.
CREATE TABLE gossip (
    crawl_id INTEGER NOT NULL REFERENCES crawl,
    node_id INTEGER NOT NULL REFERENCES node,  -- who told
    count INTEGER NOT NULL,        -- how many different addresses
    nodes BLOB NOT NULL,           -- their node_id, packed; see store.edges
    PRIMARY KEY (crawl_id, node_id)
) WITHOUT ROWID;

{_SEED_AUDITS}
-- The last verdict on each node that was visited.
CREATE VIEW latest AS
SELECT node.node_id, node.network, node.host, node.port,
    CASE WHEN instr(node.host, ':') THEN '[' || node.host || ']:' || node.port
        ELSE node.host || ':' || node.port END AS address,
    visit.crawl_id, visit.ended_ms, visit.outcome, visit.phase, visit.code, visit.transport,
    visit.protocol_version, printf('%016x', visit.services) AS services_hex, visit.services,
    user_agent.text AS user_agent, visit.start_height, visit.time_offset_s,
    visit.services & 2048 != 0 AS claims_v2, visit.speaks_v2, visit.features,
    visit.connect_ms, visit.verack_ms
FROM node
JOIN visit ON visit.visit_id =
    (SELECT max(visit_id) FROM visit WHERE visit.node_id = node.node_id AND is_verdict)
LEFT JOIN user_agent USING (user_agent_id);

-- The nodes that completed the handshake at the last visit.
CREATE VIEW reachable AS SELECT * FROM latest WHERE outcome = 'ok';

CREATE VIEW by_network AS
SELECT network, count(*) AS visited, sum(outcome = 'ok') AS reachable FROM latest GROUP BY network;

CREATE VIEW by_user_agent AS
SELECT user_agent, count(*) AS nodes, round(100.0 * count(*) / (SELECT count(*) FROM reachable), 2) AS percent
FROM reachable GROUP BY user_agent ORDER BY nodes DESC, user_agent;

-- v2: what nodes claim (service bit) and what was measured.
CREATE VIEW v2_support AS
SELECT claims_v2, speaks_v2, count(*) AS nodes FROM reachable GROUP BY claims_v2, speaks_v2;

-- Each run with its counts.
CREATE VIEW crawl_summary AS
SELECT crawl.*, count(visit_id) AS visited, sum(outcome = 'ok') AS reachable
FROM crawl LEFT JOIN visit ON visit.crawl_id = crawl.crawl_id AND is_verdict GROUP BY crawl.crawl_id;
"""

MIGRATIONS: Mapping[int, str] = MappingProxyType({1: _SEED_AUDITS})
"""From the version that is the key to the next one: statements of one transaction."""
