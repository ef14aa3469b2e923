#!/usr/bin/env bash
# Hosts in network namespaces behind a stateful firewall with SNAT: ping, one TCP stream, 64-byte UDP and a storm of connections through mergeflow (offload none, soft and kernel), and beside it, as far as
# installed, through the Linux bridge (no rules), the Linux router with nft conntrack and SNAT, and Open vSwitch's userspace datapath with the same flows. Then the outage of a restart with --state.
# Needs root; all that it makes is removed when it ends, and at the next run if it was killed. Each number is the median of BURSTS=10 bursts of
# SECONDS_EACH=1 (a fraction is rounded up for iperf3, which takes whole seconds), with the lowest and the highest; of pings the median of each burst counts.
#
#   ./run-live.sh --soak MINUTES [--offload none|soft|kernel] [OPTION]..
#
# instead: modest mixed load between three hosts (a checked TCP stream, datagrams with fragments, connections closed and reset, pings) while links flap, ports are ordered down, a device is deleted and made anew,
# and rules, groups and meters change; a line a minute, then a verdict and its exit code (0 = good). Needs python3. Other options go to mergeflow switch. MERGEFLOW=FILE.dll: the program.
#
#   ./run-live.sh --cost [BURSTS]
#
# instead: processor time per 64-byte packet, least, median and most of BURSTS (20), of bare redirects, the kernel's rules, the Linux router, Open vSwitch and mergeflow in user space; then TCP beside the bridge. Needs
# python3 and two processors; about 5 minutes. ROWS=REGEX: only rows with such names.
set -uo pipefail
cd "$(dirname "$0")"
case ${1:-} in
    -h|--help) awk 'NR > 1 { if (!/^#/) exit; sub(/^# ?/, ""); print }' run-live.sh; exit 0 ;;
    ''|--soak|--cost) ;;
    *) echo "run-live.sh: $1: expected --soak MINUTES, --cost [BURSTS], --help or nothing"; exit 1 ;;
esac
[ "$(id -u)" -eq 0 ] || { echo "run-live.sh: needs root: it makes network namespaces"; exit 1; }
soak=; [ "${1:-}" = --soak ] && { soak=${2:?run-live.sh: --soak needs a number of minutes}; shift 2; }
cost=; [ "${1:-}" = --cost ] && cost=${2:-20}
case $cost in *[!0-9]*|0*) echo "run-live.sh: --cost: expected a number of bursts"; exit 1 ;; esac
for need in ip ping $([ -n "$soak$cost" ] && echo python3 || echo iperf3); do command -v $need >/dev/null || { echo "run-live.sh: $need is not installed"; exit 1; }; done

t=${SECONDS_EACH:-1}
bursts=${BURSTS:-10}
[[ $t =~ ^([0-9]+(\.[0-9]*)?|\.[0-9]+)$ && ! $t =~ ^[0.]*$ ]] || { echo "run-live.sh: SECONDS_EACH=$t: expected a number above 0"; exit 1; }
[[ $bursts =~ ^[1-9][0-9]*$ ]] || { echo "run-live.sh: BURSTS=$bursts: expected a number of at least 1"; exit 1; }
whole=$(awk -v t="$t" 'BEGIN { n = int(t); print n < t ? n + 1 : n }')
pings=$(awk -v t="$t" 'BEGIN { n = int(200 * t); print n < 10 ? 10 : n }')
p=mfl$$
s=$p-s
dir=$(mktemp -d)
pids=()
export OVS_RUNDIR=$dir OVS_LOGDIR=$dir OVS_DBDIR=$dir OVS_SYSCONFDIR=$dir

stop() {
    local pid
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
    for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null; done
    pids=()
}
remove() {
    local n
    stop
    for n in $(ip netns list | awk -v p=$p- 'index($1, p) == 1 { print $1 }'); do ip netns del "$n" 2>/dev/null; done
}
# What a run has left behind that was killed: namespaces named by a process that is there no more, and whatever runs in them.
for n in $(ip netns list | awk '$1 ~ /^mfl[0-9]+-/ { print $1 }'); do
    owner=${n#mfl}
    [ -e "/proc/${owner%%-*}" ] && continue
    for pid in $(ip netns pids "$n" 2>/dev/null); do kill -9 "$pid" 2>/dev/null; done
    ip netns del "$n" 2>/dev/null
done
trap 'remove; rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM HUP

program=${MERGEFLOW:-Cli/bin/Release/net10.0/mergeflow.dll}
[ -e "$program" ] || timeout 600 dotnet build Cli -c Release -v q -nologo >"$dir/build" || { cat "$dir/build"; exit 1; }
mergeflow() { dotnet "$program" "$@"; }

if [ -n "$cost" ]; then
    [ "$(nproc)" -ge 2 ] || { echo "run-live.sh: --cost needs two processors: one for the generator"; exit 1; }
    python3 -B Tests/Live/cost.py $p "$dir" "$program" "$cost" & pids+=($!)
    wait ${pids[-1]}
    exit $?
fi

# Two hosts; their other ends, va and vb, are in the namespace of what is measured. $1: a network for both, or for each its own.
lab() {
    local h i=1 n
    remove
    ip netns add $s
    ip netns exec $s sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
    for h in a b; do
        ip netns add $p-$h
        ip netns exec $p-$h sysctl -qw net.ipv6.conf.all.disable_ipv6=1
        ip link add v$h netns $s type veth peer name eth0 netns $p-$h
        n=$([ "$1" = one ] && echo 1 || echo $i)
        ip -n $p-$h addr add 10.203.$n.$i/24 dev eth0
        ip -n $p-$h link set lo up
        ip -n $p-$h link set eth0 up
        ip -n $s link set v$h up
        i=$((i + 1))
    done
    server=10.203.$([ "$1" = one ] && echo 1 || echo 2).2
    [ "$1" = one ] && ip -n $p-b neigh add 10.203.1.99 lladdr "$(ip netns exec $p-a cat /sys/class/net/eth0/address)" dev eth0
    return 0
}

cat >"$dir/flows" <<'F'
table=0,priority=10,ip,ct_state=-trk,actions=ct(table=1,nat)
table=0,priority=1,arp,actions=normal
table=1,priority=10,ip,in_port=1,ct_state=+trk+new,actions=ct(commit,nat(src=10.203.1.99)),output:2
table=1,priority=10,ip,in_port=1,ct_state=+trk+est,actions=output:2
table=1,priority=10,ip,in_port=2,ct_state=+trk+est,actions=output:1
table=1,priority=10,ip,in_port=2,ct_state=+trk+rel,actions=output:1
F

cat >"$dir/storm.py" <<'F'
import os, socket, sys, time
address, seconds = (sys.argv[1], 5300), float(sys.argv[2])
if seconds == 0:
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(address); s.listen(4096)
    while True: s.accept()[0].close()
n, end = 0, time.time() + seconds
while time.time() < end:
    try:
        with socket.create_connection(address, 1) as c:
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"); n += 1
    except OSError: pass
print(int(n / seconds))
F

# Milliseconds of processor time of process $1, its ended threads included.
cpu_of() { [ -n "${1:-}" ] && sed 's/.*) //' /proc/"$1"/stat 2>/dev/null | awk -v hz="$(getconf CLK_TCK)" '{ printf "%.0f", ($12 + $13) * 1000 / hz }'; }

# Median of the numbers that come in, and from which to which they go. $1: format of a number.
spread() { sort -n | awk -v f="${1:-%.0f}" '{ v[NR] = $1 } END { if (NR) printf f " (" f "-" f ")", v[int((NR + 1) / 2)], v[1], v[NR]; else printf "-" }'; }

# One line of the table: each number is the median of $bursts bursts of $t seconds. $2: process whose processor time counts.
measure() {
    local i before
    for i in rtt tcp udp storm cpu; do : >"$dir/$i"; done
    ip netns exec $p-a ping -c 3 -i 0.2 -W 2 -q $server >/dev/null || { printf '%-34s no way through\n' "$1"; return; }
    ip netns exec $p-b iperf3 -s >/dev/null 2>&1 & pids+=($!)
    if command -v python3 >/dev/null; then ip netns exec $p-b python3 "$dir/storm.py" $server 0 & pids+=($!); fi
    sleep 0.5
    for ((i = 0; i < bursts; i++)); do
        ip netns exec $p-a ping -c "$pings" -i 0.005 $server | sed -n 's/.*time=\([0-9.]*\) ms/\1/p' | sort -n | awk '{ v[NR] = $1 } END { if (NR) print 1000 * v[int((NR + 1) / 2)] }' >>"$dir/rtt"
        before=$(cpu_of "${2:-}")
        ip netns exec $p-a iperf3 -c $server -C cubic -t "$whole" -f g 2>&1 | awk '/receiver/ { print $7 }' >>"$dir/tcp"
        [ -n "${2:-}" ] && echo $((($(cpu_of "$2") - before) / (10 * whole))) >>"$dir/cpu"
        ip netns exec $p-a iperf3 -c $server -u -b 0 -l 64 -t "$whole" 2>&1 | awk -v t="$whole" '/receiver/ { for (i = 1; i <= NF; i++) if ($i ~ /^[0-9]+\/[0-9]+$/) { split($i, x, "/"); print (x[2] - x[1]) / t / 1000 } }' >>"$dir/udp"
        command -v python3 >/dev/null && ip netns exec $p-a python3 "$dir/storm.py" $server "$t" >>"$dir/storm"
    done
    printf '%-34s %18s %20s %16s %20s %14s\n' "$1" "$(spread <"$dir/rtt")" "$(spread %.1f <"$dir/tcp")" "$(spread <"$dir/udp")" "$(spread <"$dir/storm")" "$(spread <"$dir/cpu")"
}

begin() {
    local i
    ip netns exec $s dotnet "$program" switch --port va=1 --port vb=2 --flows "$dir/flows" --socket "$dir/mergeflow.sock" --pidfile "$dir/pid" "$@" >"$dir/log" 2>&1 &
    pids+=($!)
    for ((i = 0; i < 300; i++)); do
        [ -e "$dir/pid" ] && return
        kill -0 "${pids[-1]}" 2>/dev/null || break
        sleep 0.1
    done
    echo "mergeflow $*: $(tail -n 1 "$dir/log")"
    return 1
}

# The hour of mixed load, or as many minutes as are asked for.
if [ -n "$soak" ]; then
    case $soak in *[!0-9]*|0*) echo "run-live.sh: --soak: expected minutes"; exit 1 ;; esac
    offload=none
    [ "${1:-}" = --offload ] && { offload=$2; shift 2; }
    lab one
    ip netns add $p-c
    for h in a b c; do
        ip netns exec $p-$h sysctl -qw net.ipv4.tcp_congestion_control=cubic net.ipv4.ip_local_port_range='10000 60000' net.ipv6.conf.all.disable_ipv6=1 2>/dev/null
        ip -n $p-$h link set lo up
    done
    ip -n $p-a link set eth0 address 02:00:00:00:03:01
    ip -n $p-b neigh replace 10.203.1.99 lladdr 02:00:00:00:03:01 dev eth0
    python3 Tests/Live/soak.py remake $s $p
    cat >"$dir/flows" <<'F'
table=0,priority=10,ip,ct_state=-trk,actions=ct(table=1,nat)
table=0,priority=1,arp,actions=normal
table=1,priority=10,ip,in_port=1,nw_dst=10.203.1.2,ct_state=+trk+new,actions=ct(commit,nat(src=10.203.1.99)),output:2
table=1,priority=10,ip,in_port=1,nw_dst=10.203.1.3,ct_state=+trk+new,actions=ct(commit,nat(src=10.203.1.99)),output:3
table=1,priority=10,ip,in_port=1,nw_dst=10.203.1.2,ct_state=+trk+est,actions=output:2
table=1,priority=10,ip,in_port=1,nw_dst=10.203.1.3,ct_state=+trk+est,actions=output:3
table=1,priority=10,ip,in_port=2,ct_state=+trk+est,actions=output:1
table=1,priority=10,ip,in_port=3,ct_state=+trk+est,actions=output:1
table=1,priority=10,ip,in_port=2,ct_state=+trk+rel,actions=output:1
table=1,priority=10,ip,in_port=3,ct_state=+trk+rel,actions=output:1
F
    for i in 1 2 3; do echo "meter=$i,pktps,burst,band=type=drop,rate=${i}00000,burst_size=100000"; done >"$dir/meters"
    echo 'group_id=7,type=select,bucket=weight=1,output:2,bucket=weight=1,output:2' >"$dir/groups"
    begin --port vc=3 --groups "$dir/groups" --meters "$dir/meters" --offload "$offload" "$@" || exit 1
    for h in b c; do ip netns exec $p-$h python3 Tests/Live/soak.py sink & pids+=($!); done
    {
        sleep 3
        ip netns exec $p-a python3 Tests/Live/soak.py load "$dir/load" 10.203.1.2 10.203.1.3 1000000 & pinging=$!
        for h in 2 3; do ip netns exec $p-a ping -q -i 0.5 10.203.1.$h >/dev/null & pinging+=" $!"; done
        trap 'kill $pinging 2>/dev/null' EXIT
        trap 'exit 0' TERM
        wait
    } & pids+=($!)
    python3 Tests/Live/soak.py watch $s $p "$dir/mergeflow.sock" "$(cat "$dir/pid")" "$dir/load" "$soak" "$offload"
    code=$?
    if [ $code != 0 ]; then grep -v 'add-flows\|add-groups\|rules read' "$dir/log" | tail -n 40; fi
    kill -TERM "$(cat "$dir/pid")"
    for ((i = 0; i < 100; i++)); do [ -e "$dir/pid" ] || break; sleep 0.1; done
    [ ! -e "$dir/pid" ] || { echo "the switch does not end"; code=1; }
    exit $code
fi

printf '%-34s %18s %20s %16s %20s %14s\n' '' 'ping us' 'TCP Gbit/s' 'UDP kpps' 'connections/s' 'CPU % TCP'
for offload in none soft kernel; do
    lab one
    begin --offload $offload && measure "mergeflow, firewall + SNAT, $offload" "$(cat "$dir/pid")"
done

lab one
ip -n $s link add name br0 type bridge && for h in a b; do ip -n $s link set v$h master br0; done && ip -n $s link set br0 up && measure 'Linux bridge, no rules'

if command -v nft >/dev/null; then
    lab two
    for h in a:1 b:2; do
        ip -n $s addr add 10.203.${h#*:}.254/24 dev v${h%:*}
        ip -n $p-${h%:*} route add default via 10.203.${h#*:}.254
    done
    ip netns exec $s sysctl -qw net.ipv4.ip_forward=1
    if ip netns exec $s nft -f - 2>/dev/null <<'N'
table ip f {
    chain forward { type filter hook forward priority 0; policy drop; ct state established,related accept; iifname "va" ct state new accept; }
    chain post { type nat hook postrouting priority 100; oifname "vb" snat to 10.203.2.254; }
}
N
    then measure 'Linux router, nft conntrack + SNAT'; else echo 'Linux router, nft: not in this kernel'; fi
else
    echo 'Linux router, nft: not installed'
fi

if command -v ovs-vswitchd >/dev/null && command -v ovsdb-server >/dev/null; then
    lab one
    ovsdb-tool create "$dir/conf.db" "$(ls /usr/share/openvswitch/vswitch.ovsschema /usr/local/share/openvswitch/vswitch.ovsschema 2>/dev/null | head -n 1)"
    ovsdb-server "$dir/conf.db" --remote=punix:"$dir/db.sock" >/dev/null 2>&1 & pids+=($!)
    sleep 0.5
    timeout 20 ovs-vsctl --db=unix:"$dir/db.sock" --no-wait init -- set Open_vSwitch . other_config:userspace-tso-enable=true
    ip netns exec $s ovs-vswitchd unix:"$dir/db.sock" --pidfile="$dir/ovs.pid" --log-file="$dir/ovs.log" -vconsole:off --disable-system >/dev/null 2>&1 & pids+=($!)
    # Its best setting: super-frames pass, and its own ends put none together.
    for h in a b; do ip netns exec $s ethtool -K v$h gro off >/dev/null 2>&1; done
    if timeout 20 ovs-vsctl --db=unix:"$dir/db.sock" add-br br0 -- set bridge br0 datapath_type=netdev fail_mode=secure \
            -- add-port br0 va -- set interface va ofport_request=1 -- add-port br0 vb -- set interface vb ofport_request=2 &&
        timeout 20 ovs-ofctl add-flows "$dir/br0.mgmt" "$dir/flows"; then
        measure 'Open vSwitch, firewall + SNAT' "$(cat "$dir/ovs.pid")"
    else
        echo 'Open vSwitch: does not start here'
    fi
    timeout 10 ovs-appctl -t "$dir/ovs-vswitchd.$(cat "$dir/ovs.pid").ctl" exit --cleanup 2>/dev/null
else
    echo 'Open vSwitch: not installed'
fi

# A ping every 10 ms while the switch is started anew: it goes on, with its translation.
lab one
begin --offload soft --state "$dir/state"
ip netns exec $p-a ping -i 0.01 -c 600 -q $server >"$dir/ping" &
pinging=$!
sleep 2
kill -TERM "$(cat "$dir/pid")"
while [ -e "$dir/pid" ]; do sleep 0.02; done
begin --offload soft --state "$dir/state"
wait $pinging
awk -F'[ ,]+' '/transmitted/ { printf "restart with --state: %d of %d pings lost, an outage of about %d ms\n", $1 - $4, $1, ($1 - $4) * 10 }' "$dir/ping"
