#!/bin/bash
# Two network namespaces: 'inside' (where the tool runs) reaches nothing but a SOCKS5 and an HTTP proxy on 10.77.0.1; the nodes are on addresses that only 'proxy' can reach.
# usage: socks-namespace.sh up | run COMMAND... | count | down     (root; Debian: microsocks tinyproxy nftables iproute2)
# 'count' prints the packets that left 'inside' for anything but the proxies' ports: must be 0.
set -eu
ns=${BH_NS:-bh}; state=${TMPDIR:-/tmp}/$ns; mkdir -p "$state"
case ${1:?up, run, count or down} in
up)
  ip netns add ${ns}proxy; ip netns add ${ns}inside
  ip -n ${ns}proxy link set lo up; ip -n ${ns}inside link set lo up
  ip link add p0 netns ${ns}proxy type veth peer name i0 netns ${ns}inside
  ip -n ${ns}proxy addr add 10.77.0.1/24 dev p0; ip -n ${ns}inside addr add 10.77.0.2/24 dev i0
  ip -n ${ns}proxy link set p0 up; ip -n ${ns}inside link set i0 up
  ip -n ${ns}inside route add default via 10.77.0.1  # a way out that must not be used
  ip -n ${ns}proxy route add local 11.0.0.0/8 dev lo  # where the nodes are: servers in ${ns}proxy answer on any 11.x address
  mkdir -p /etc/netns/${ns}inside; echo 'nameserver 10.77.0.1' >/etc/netns/${ns}inside/resolv.conf
  ip netns exec ${ns}inside nft -f - <<'N'
table inet bh {
  chain out {
    type filter hook output priority 0
    oifname "lo" accept
    ip daddr 10.77.0.1 tcp dport { 1080, 1081, 8888 } accept
    ip6 daddr ff00::/8 accept
    counter
  }
}
N
  ip netns exec ${ns}proxy microsocks -i 10.77.0.1 -p 1080 >"$state/microsocks.log" 2>&1 & echo $! >"$state/pids"
  ip netns exec ${ns}proxy microsocks -i 10.77.0.1 -p 1081 -u user -P secret >>"$state/microsocks.log" 2>&1 & echo $! >>"$state/pids"
  printf 'Port 8888\nListen 10.77.0.1\nMaxClients 100\nAllow 10.77.0.2\nConnectPort 8333\nConnectPort 18444\nDisableViaHeader Yes\n' >"$state/tinyproxy.conf"
  ip netns exec ${ns}proxy tinyproxy -d -c "$state/tinyproxy.conf" >"$state/tinyproxy.log" 2>&1 & echo $! >>"$state/pids" ;;
run) shift; exec ip netns exec ${ns}inside "$@" ;;
count) ip netns exec ${ns}inside nft list chain inet bh out | sed -n 's/.*counter packets \([0-9]*\).*/\1/p' ;;
down) while read -r p; do kill "$p" 2>/dev/null || :; done <"$state/pids" || :; ip netns del ${ns}inside; ip netns del ${ns}proxy; rm -rf "$state" /etc/netns/${ns}inside ;;
esac
