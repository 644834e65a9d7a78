#!/bin/bash
# A private Tor network on loopback: 3 directory authorities (which are also relays), 1 more relay, 1 client with a SOCKS port, 1 onion service.
# usage: tor-network.sh DIR HOST:PORT      writes DIR/env (SOCKS=..., CONTROL=..., ONION=...), and stays in the foreground until it is told to stop
# Everything is bound to 127.0.0.1; nothing needs the internet.
set -eu
dir=$1; target=$2; base=${TOR_BASE_PORT:-15000}; mkdir -p "$dir"; cd "$dir"
pids=(); trap 'for p in "${pids[@]}"; do kill "$p" 2>/dev/null || :; done' EXIT; trap exit INT TERM
n=4; auths=3
common() { cat <<T
DataDirectory $dir/$1
RunAsDaemon 0
PidFile $dir/$1/pid
Log notice file $dir/$1/notice.log
Nickname test$1
Address 127.0.0.1
SafeLogging 0
DisableDebuggerAttachment 0
ExtendAllowPrivateAddresses 1
EnforceDistinctSubnets 0
AssumeReachable 1
AuthDirMaxServersPerAddr 0
T
}
# TestingTorNetwork needs the authorities' lines, and those need the fingerprints: make the keys first.
auth_lines=""
for i in $(seq 1 $auths); do
  mkdir -p -m 700 "$i/keys"
  (cd "$i/keys" && echo | tor-gencert --create-identity-key --passphrase-fd 0 -m 12 -a 127.0.0.1:$((base + 100 + i)) >/dev/null 2>&1)
  common $i >"$i/torrc"; echo "ORPort $((base + i))" >>"$i/torrc"
  v3=$(sed -n 's/^fingerprint //p' "$i/keys/authority_certificate")
  fp=$(tor --list-fingerprint --orport 1 --dirserver "x 127.0.0.1:1 ffffffffffffffffffffffffffffffffffffffff" --datadirectory "$dir/$i" --nickname test$i --quiet 2>/dev/null | tail -n 1 | cut -d' ' -f2- | tr -d ' ')
  auth_lines+="DirAuthority test$i orport=$((base + i)) no-v2 v3ident=$v3 127.0.0.1:$((base + 100 + i)) $fp"$'\n'
done
start() { tor -f "$dir/$1/torrc" --quiet & pids+=($!); }
network() { echo "TestingTorNetwork 1"; printf %s "$auth_lines"; }
for i in $(seq 1 $n); do
  mkdir -p -m 700 "$i"
  { network; common $i; echo "ORPort 127.0.0.1:$((base + i))"; echo "SocksPort 0"; echo "ExitRelay 0"
    if [ $i -le $auths ]; then
      echo "DirPort $((base + 100 + i))
AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
TestingV3AuthInitialVotingInterval 5
TestingV3AuthInitialVoteDelay 2
TestingV3AuthInitialDistDelay 2
V3AuthVotingInterval 10
V3AuthVoteDelay 2
V3AuthDistDelay 2
TestingDirAuthVoteExit *
TestingDirAuthVoteGuard *
TestingDirAuthVoteHSDir *
TestingMinExitFlagThreshold 0
ContactInfo nobody@example.invalid"
    fi; } >"$i/torrc"
  start $i
done
mkdir -p -m 700 client service
{ network; common client; echo "SocksPort 127.0.0.1:$((base + 50)) ExtendedErrors
ControlPort 127.0.0.1:$((base + 51))
CookieAuthentication 0
UseEntryGuards 0"; } >client/torrc
{ network; common service; echo "SocksPort 0
HiddenServiceDir $dir/service/hs
HiddenServicePort 8333 $target
HiddenServiceVersion 3
UseEntryGuards 0"; } >service/torrc
start client; start service
for _ in $(seq 600); do [ -s service/hs/hostname ] && grep -q 'Bootstrapped 100' client/notice.log service/notice.log 2>/dev/null && grep -q 'Bootstrapped 100' client/notice.log && break; sleep 0.2; done
echo "SOCKS=127.0.0.1:$((base + 50)) CONTROL=127.0.0.1:$((base + 51)) ONION=$(cat service/hs/hostname):8333" >env.tmp; mv env.tmp env
wait
