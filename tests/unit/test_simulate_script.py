"""Steps, segments, delays and the bounds of a scripted peer."""

from __future__ import annotations

from bitcoin_handshake.conversation.steps import CLOSE, MAX_INBOX_COUNT, RESET, WAIT, Delay, Send, Steps
from bitcoin_handshake.simulate.script import LIFETIME_S, MAX_QUEUED_BYTES, End, Peer, Scripted, Shaped
from tests.helpers import FakeClock
from tests.simulated import node_facts


def _start(steps: Steps, clock: FakeClock, peer: Peer | None = None) -> Scripted:
    return Scripted(steps, peer or Peer(node_facts()), now=clock.now)


def _steps(*steps: Send | Delay) -> Steps:
    yield from steps


def test_joins_what_is_sent_without_a_delay_between(clock: FakeClock) -> None:
    script = _start(_steps(Send(b"ab"), Send(b"cd"), Delay(0), Send(b"ef")), clock)
    assert script.data_to_send() == b"abcd"
    assert script.data_to_send() == b""
    assert script.deadline == clock.now
    script.handle_timeout(now=clock.now)
    assert script.data_to_send() == b"ef"


def test_waits_until_the_deadline_it_gives(clock: FakeClock) -> None:
    script = _start(_steps(Delay(3.0), Send(b"x")), clock)
    assert script.deadline == clock.now + 3.0
    script.handle_timeout(now=clock.advance(2.9))
    assert script.data_to_send() == b""
    script.handle_timeout(now=clock.advance(0.2))
    assert script.data_to_send() == b"x"


def test_bytes_that_arrive_do_not_shorten_a_delay(clock: FakeClock) -> None:
    script = _start(_steps(Delay(3.0), Send(b"x")), clock)
    script.receive_data(b"hurry", now=clock.now)
    assert script.data_to_send() == b""


def test_closes_and_resets(clock: FakeClock) -> None:
    def closing() -> Steps:
        yield Send(b"last")
        yield CLOSE
        yield Send(b"never")

    def resetting() -> Steps:
        yield RESET

    script = _start(closing(), clock)
    assert (script.data_to_send(), script.end) == (b"last", End.CLOSE)
    assert _start(resetting(), clock).end is End.RESET


def test_keeps_silent_after_its_last_step_until_its_lifetime_is_over(clock: FakeClock) -> None:
    script = _start(_steps(Send(b"x")), clock)
    assert (script.end, script.deadline) == (None, clock.now + LIFETIME_S)
    script.handle_timeout(now=clock.advance(LIFETIME_S))
    assert script.end is End.CLOSE


def test_an_endless_peer_ends_with_its_lifetime_too(clock: FakeClock) -> None:
    def endless() -> Steps:
        while True:
            yield Delay(LIFETIME_S * 2)

    script = _start(endless(), clock)
    assert script.deadline == clock.now + LIFETIME_S
    script.handle_timeout(now=clock.advance(LIFETIME_S))
    assert script.end is End.CLOSE


def test_closes_when_the_client_does(clock: FakeClock) -> None:
    script = _start(_steps(Delay(5)), clock)
    script.receive_eof(now=clock.now)
    assert script.end is End.CLOSE
    script.receive_data(b"more", now=clock.now)
    assert script.data_to_send() == b""


def test_waits_for_whole_messages_and_skips_bad_ones(clock: FakeClock) -> None:
    peer = Peer(node_facts())

    def steps() -> Steps:
        message = yield from peer.message()
        yield Send(message.msg_type.encode())

    script = _start(steps(), clock, peer)
    bad = bytearray(peer.frame("bad", b"x"))
    bad[20] ^= 1
    stream = bytes(bad) + peer.frame("good", b"y")
    for offset in range(len(stream) - 1):
        script.receive_data(stream[offset : offset + 1], now=clock.now)
    assert script.data_to_send() == b""
    script.receive_data(stream[-1:], now=clock.now)
    assert script.data_to_send() == b"good"


def test_holds_a_bounded_number_of_messages(clock: FakeClock) -> None:
    peer = Peer(node_facts())
    script = _start(_steps(Delay(1)), clock, peer)
    for _ in range(10):
        script.receive_data(peer.frame("ping", bytes(8)) * 100, now=clock.now)
    assert len(peer.inbox) == MAX_INBOX_COUNT


def test_does_not_keep_long_payloads(clock: FakeClock) -> None:
    peer = Peer(node_facts())
    script = _start(_steps(Delay(1)), clock, peer)
    script.receive_data(peer.frame("long", bytes(1_000_000)), now=clock.now)
    assert [message.payload for message in peer.inbox] == [None]


def test_garbage_makes_it_deaf_not_dead(clock: FakeClock) -> None:
    peer = Peer(node_facts())
    script = _start(_steps(Delay(1)), clock, peer)
    script.receive_data(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", now=clock.now)
    script.receive_data(peer.frame("ping", bytes(8)), now=clock.now)
    assert (script.end, len(peer.inbox)) == (None, 0)


def test_a_raw_peer_takes_bytes_up_to_its_bound(clock: FakeClock) -> None:
    peer = Peer(node_facts(), is_raw=True)

    def steps() -> Steps:
        yield WAIT
        yield Delay(1)
        data = yield from peer.data()
        yield Send(data)

    script = _start(steps(), clock, peer)
    for _ in range(5):
        script.receive_data(bytes(50_000), now=clock.now)
    script.handle_timeout(now=clock.advance(1))
    assert script.data_to_send() == bytes(64 * 1024)


def _shaped(inner: Scripted, clock: FakeClock, *, delay_s: float = 1.0) -> Shaped:
    return Shaped(inner, lambda data: (data[:1], data[1:]), delay_s=delay_s, now=clock.now)


def test_shapes_each_write_into_delayed_segments(clock: FakeClock) -> None:
    def steps() -> Steps:
        yield Send(b"abc")
        yield CLOSE

    script = _shaped(_start(steps(), clock), clock)
    segments = []
    while script.end is None:
        assert script.data_to_send() == b""
        assert script.deadline == clock.now + 1.0
        script.handle_timeout(now=clock.advance(1.0))
        segments.append(script.data_to_send())
    assert segments == [b"a", b"bc"]
    assert script.end is End.CLOSE


def test_shaping_leaves_the_inner_deadlines_in_force(clock: FakeClock) -> None:
    script = _shaped(_start(_steps(Delay(5), Send(b"xy")), clock), clock)
    assert script.deadline == clock.now + 5
    script.handle_timeout(now=clock.advance(5))
    assert script.deadline == clock.now + 1
    script.receive_eof(now=clock.now)
    assert script.end is End.CLOSE


def test_a_shaped_peer_hangs_up_on_who_makes_it_queue_too_much(clock: FakeClock) -> None:
    peer = Peer(node_facts(), is_raw=True)

    def echo() -> Steps:
        while True:
            data = yield from peer.data()
            yield Send(data)

    script = _shaped(_start(echo(), clock, peer), clock)
    for _ in range(2):
        assert script.end is None
        script.receive_data(bytes(MAX_QUEUED_BYTES), now=clock.now)
    assert script.end is End.CLOSE
