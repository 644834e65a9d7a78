"""The network of our own: public addresses reach this machine, or refuse, or stay silent."""

from __future__ import annotations

import socket
import threading

from tests.netns import NetNamespace


def _dial_from_inside(addresses: list[str]) -> list[str]:
    """Listen on every address, dial some of them, and say how each connect ended."""
    with socket.create_server(("0.0.0.0", 8333)) as server:
        threading.Thread(target=_accept_all, args=(server, len(addresses)), daemon=True).start()
        return [_dial(address) for address in addresses]


def _accept_all(server: socket.socket, count: int) -> None:
    for _ in range(count):
        connection, _ = server.accept()
        connection.close()


def _dial(address: str) -> str:
    try:
        with socket.create_connection((address, 8333), timeout=0.3):
            return "connected"
    except TimeoutError:
        return "silent"
    except ConnectionRefusedError:
        return "refused"


def test_addresses_connect_refuse_or_stay_silent_as_told(namespace: NetNamespace) -> None:
    namespace.refuse(["8.8.8.8", "9.0.0.0/24"])
    namespace.drop(["1.1.1.1"])
    addresses = ["100.1.2.3", "8.8.8.8", "9.0.0.7", "1.1.1.1", "8.8.8.9"]
    results = namespace.call(_dial_from_inside, addresses)
    assert results == ["connected", "refused", "refused", "silent", "connected"]


def test_tens_of_thousands_of_addresses_are_taken_at_once(namespace: NetNamespace) -> None:
    many = [f"20.{high}.{low}.1" for high in range(100) for low in range(250)]
    namespace.refuse(many)
    assert namespace.call(_dial_from_inside, ["20.99.249.1", "20.99.249.2"]) == ["refused", "connected"]


def test_nothing_leads_out(namespace: NetNamespace) -> None:
    listed = namespace.run(["ip", "-br", "link"]).stdout.split()
    assert listed[0] == "lo"
    assert not namespace.run(["ip", "route", "show", "default"]).stdout
