"""Options of the ways: read in one line, or refused in one line."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import suppress
from typing import Any

import pytest

from bitcoin_handshake.cli.main import main
from bitcoin_handshake.cli.network_options import route_options_from
from bitcoin_handshake.errors import InputError
from bitcoin_handshake.routes.options import DIRECT

NOTHING: dict[str, Any] = {
    "proxy": None, "onion": None, "i2psam": None, "cjdnsreachable": False, "onlynet": (),
}  # fmt: skip


def test_nothing_said_is_direct() -> None:
    assert route_options_from(NOTHING) is DIRECT


@pytest.mark.parametrize("name", ["ALL_PROXY", "all_proxy"])
def test_all_proxy_is_honoured_and_said(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(name, "socks5h://user:secret@127.0.0.1:1080")
    caplog.set_level("INFO")
    options = route_options_from(NOTHING)
    assert options.proxy is not None
    assert options.proxy.place == "127.0.0.1:1080"
    assert f"{name} names: 127.0.0.1:1080" in caplog.text
    assert "secret" not in caplog.text


def test_an_option_wins_over_all_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1")
    options = route_options_from(NOTHING | {"proxy": "127.0.0.1:2"})
    assert options.proxy is not None
    assert options.proxy.place == "127.0.0.1:2"
    assert route_options_from(NOTHING | {"proxy": "0"}).proxy is None


@pytest.mark.parametrize("option", ["proxy", "onion", "i2psam"])
def test_names_the_option_that_is_wrong(option: str) -> None:
    with pytest.raises(InputError, match=f"^--{option}: "):
        route_options_from(NOTHING | {option: "gopher://127.0.0.1:1"})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--proxy", "gopher://127.0.0.1:1"], "--proxy: gopher:// is not supported"),
        (["--proxy", "u" * 256 + "@127.0.0.1:1"], "1 to 255 bytes, not 256"),
        (["--onion", "http://127.0.0.1:1"], "through SOCKS5"),
        (["--onlynet", "ipv7"], "ipv7"),
        (["--proxy", "127.0.0.1:1", "--resolver", "127.0.0.1"], "outside the proxy"),
        (["--onion-timeout", "0"], "--onion-timeout"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    arguments: list[str], words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["handshake", *arguments, "127.0.0.1:9"]) == 2
    error = capfd.readouterr().err
    assert words in error
    assert "Traceback" not in error


def _serve_http(server: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection, _ = server.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_a_proxy_that_is_none_is_wrong_usage(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_serve_http, args=(server,), daemon=True).start()
        place = f"127.0.0.1:{server.getsockname()[1]}"
        assert main(["handshake", "--json", "--proxy", place, "1.2.3.4"]) == 2
    captured = capfd.readouterr()
    assert json.loads(captured.out)["code"] == "proxy.speaks_http"
    assert "an HTTP proxy is given as http://HOST:PORT" in captured.err


def test_a_proxy_that_is_down_is_a_failure_of_this_machine(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["handshake", "--json", "--proxy", "127.0.0.1:9", "1.2.3.4"]) == 4
    captured = capfd.readouterr()
    assert json.loads(captured.out)["outcome"] == "skipped"
    assert "start it, or correct its address" in captured.err


def test_a_dry_run_succeeds(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["handshake", "--json", "--dry-run", "1.2.3.4"]) == 0
    assert json.loads(capfd.readouterr().out)["code"] == "policy.dry_run"
