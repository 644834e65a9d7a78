#!/bin/bash
# A private I2P network of 4 i2pd routers in a network namespace of its own (run it by: unshare -n ./i2p-network.sh DIR).
# i2pd refuses loopback addresses between routers, so the namespace treats 11.1.0.x as local.  SAM bridges: 127.0.0.1:16101 to 16104 inside the namespace.
set -eu
dir=$1; n=${2:-4}; mkdir -p "$dir"; cd "$dir"
pids=(); stop() { for p in "${pids[@]}"; do kill "$p" 2>/dev/null || :; done; pids=(); sleep 1; }; trap stop EXIT; trap exit INT TERM
ip link set lo up; ip route add local 11.0.0.0/8 dev lo
for i in $(seq 1 "$n"); do mkdir -p "r$i"; cat >"r$i/i2pd.conf" <<C
log = file
logfile = $dir/r$i/log
loglevel = info
ipv4 = true
ipv6 = false
host = 11.$i.0.1
address4 = 11.$i.0.1
port = $((16000 + i))
nat = false
floodfill = true
netid = 77
bandwidth = X
share = 100
reservedrange = false
[ntcp2]
enabled = true
published = true
port = $((16000 + i))
[ssu2]
enabled = false
[http]
enabled = false
[httpproxy]
enabled = false
[socksproxy]
enabled = false
[reseed]
urls = http://127.0.0.1:9/
yggurls = 
threshold = 0
[sam]
enabled = true
address = 127.0.0.1
port = $((16100 + i))
[exploratory]
inbound.length = 1
outbound.length = 1
inbound.quantity = 2
outbound.quantity = 2
C
done
cat >r2/tunnels.conf <<C
[node]
type = server
host = 127.0.0.1
port = 18444
keys = node.dat
inbound.length = 1
outbound.length = 1
C
echo $$ >pid
all() { for i in $(seq 1 "$n"); do i2pd --datadir="$dir/r$i" --conf="$dir/r$i/i2pd.conf" --tunconf="$dir/r$i/tunnels.conf" >"r$i/out" 2>&1 & pids+=($!); done; }
all; for i in $(seq 1 "$n"); do until [ -s "r$i/router.info" ]; do sleep 0.2; done; done; stop
python3 - "$n" <<'P'
import base64, hashlib, os, sys
n = int(sys.argv[1])
infos = [open(f"r{i}/router.info", "rb").read() for i in range(1, n + 1)]
for i in range(1, n + 1):  # every router knows every other
    for j, info in enumerate(infos, 1):
        if i != j:
            identity = info[: 387 + int.from_bytes(info[385:387], "big")]
            name = base64.b64encode(hashlib.sha256(identity).digest(), altchars=b"-~").decode()
            os.makedirs(f"r{i}/netDb/r{name[0]}", exist_ok=True)
            open(f"r{i}/netDb/r{name[0]}/routerInfo-{name}.dat", "wb").write(info)
P
all
until [ -s r2/node.dat ]; do sleep 0.2; done
python3 - >address <<'P'
import base64, hashlib
keys = open("r2/node.dat", "rb").read()
destination = keys[: 387 + int.from_bytes(keys[385:387], "big")]
print(base64.b32encode(hashlib.sha256(destination).digest()).decode().lower().rstrip("=") + ".b32.i2p")
P
echo ready >"$dir/ready"; wait
