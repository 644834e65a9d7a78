"""Options that say by which way each network is reached; every command that connects has them."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

import click

from bitcoin_handshake.cli.options import Decorated, SecondsType, WholeNumberType
from bitcoin_handshake.errors import InputError

if TYPE_CHECKING:
    from bitcoin_handshake.routes.options import RouteOptions

__all__ = ["network_options", "route_options_from"]

NETWORKS = ("ipv4", "ipv6", "onion", "i2p", "cjdns")
ALL_PROXY = ("ALL_PROXY", "all_proxy")


def network_options(command: Decorated) -> Decorated:
    """Add them, in Core's words, so that a line of `bitcoin.conf` can be copied."""
    for option in reversed(
        (
            click.option(
                "--proxy",
                metavar="PROXY",
                help="SOCKS5 HOST:PORT, http://HOST:PORT or unix:PATH for everything; 0 for none.",
            ),
            click.option(
                "--onion",
                metavar="HOST:PORT",
                help="Tor's SOCKS5 [found at 127.0.0.1:9050 or 9150]; 0: no onion services.",
            ),
            click.option(
                "--i2psam",
                metavar="HOST:PORT",
                help="SAM bridge of an I2P router [found at 127.0.0.1:7656]; 0: no I2P.",
            ),
            click.option("--cjdnsreachable", is_flag=True, help="fc00::/8 is CJDNS, not private IPv6."),
            click.option(
                "--onlynet",
                multiple=True,
                type=click.Choice([*NETWORKS, "tor"], case_sensitive=False),
                metavar="NET",
                help="Only this network: ipv4, ipv6, onion, i2p, cjdns; repeatable.",
            ),
            click.option(
                "--onion-timeout",
                "onion_timeout_s",
                type=SecondsType(),
                metavar="SECONDS",
                help="Limit per onion service [60].",
            ),
            click.option(
                "--i2p-timeout",
                "i2p_timeout_s",
                type=SecondsType(),
                metavar="SECONDS",
                help="Limit per I2P node [90].",
            ),
            click.option(
                "--retries",
                type=WholeNumberType(0, 100),
                default=0,
                metavar="N",
                help="Try a node again after a failure that may pass [0].",
            ),
            click.option("--rate", type=SecondsType(), metavar="R", help="New connections a second at most."),
            click.option(
                "--rate-per-group",
                type=SecondsType(),
                metavar="R",
                help="Likewise for each /24 or /48.",
            ),
            click.option(
                "--exclude",
                multiple=True,
                metavar="FILE|CIDR|NAME",
                help="Do not dial these; repeatable.",
            ),
            click.option("--contact", default="", metavar="URL", help="Put it into the user agent."),
            click.option(
                "--dry-run", is_flag=True, help="Dial nothing; list what would be, and by which way."
            ),
            click.option("--no-resolve", is_flag=True, help="With --dry-run: look up no names."),
        )
    ):
        command = option(command)
    return command


def route_options_from(params: dict[str, Any]) -> RouteOptions:
    """Read what `network_options` added, and ALL_PROXY where there is no `--proxy`.

    Raises:
        InputError: One of them is malformed.
    """
    from bitcoin_handshake.routes.options import DIRECT, RouteOptions

    proxy, variable = params["proxy"], ""
    if proxy is None:
        variable = next((name for name in ALL_PROXY if os.environ.get(name)), "")
        proxy = os.environ.get(variable) or None
    names = ("onion", "i2psam", "cjdnsreachable", "onlynet")
    if proxy is None and not any(params[name] for name in names):
        return DIRECT
    options = RouteOptions.from_text(
        proxy=_checked(proxy, variable or "--proxy"),
        onion=_checked(params["onion"], "--onion"),
        i2psam=_checked(params["i2psam"], "--i2psam", is_sam=True),
        cjdnsreachable=params["cjdnsreachable"],
        onlynet=params["onlynet"],
    )
    if variable and options.proxy is not None:
        logging.getLogger(__name__).info(
            "Using the proxy that %s names: %s", variable, options.proxy.to_text()
        )
    return options


def _checked(text: str | None, name: str, *, is_sam: bool = False) -> str | None:
    """Say which option is malformed."""
    if text is not None and text != "0":
        from bitcoin_handshake.routes.proxy import parse_proxy

        try:
            parse_proxy(text, is_sam=is_sam)
        except InputError as error:
            raise InputError(f"{name}: {error}") from None
    return text
