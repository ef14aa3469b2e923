#!/usr/bin/env bash
# Open vSwitch's own tests (release 3.1, as Debian packages them) with `mergeflow vswitchd` in the place of ovs-vswitchd, against the list of those that pass with the original. Nothing is compiled and nothing installed: the
# suites drive the installed ovsdb-server, ovs-vsctl, ovs-ofctl and ovs-appctl. They run in network, mount and process namespaces of their own. Needs root, apt, python3, and the package openvswitch-switch.
#
#   ./run-upstream.sh [-j N] [-t SECONDS] [-d FOLDER] [-o FILE] [-k] WHAT...
#     WHAT        a file of tests (ofproto.at, ...), a number or a range of numbers of the unit suite (1200, 1200-1210), or sys:N of the system suite; "unit" and "system" mean all of a suite that pass with the original
#     -j N        tests of the unit suite at a time (2); the system suite runs one at a time
#     -t SECONDS  for all of it (3000)
#     -d FOLDER   where the package is unpacked, once (/var/tmp/mergeflow-upstream)
#     -o FILE     a line for each test: pass|fail|skip <TAB> number <TAB> file.at:line <TAB> name
#     -k          keeps the folders of tests that fail
#
# MERGEFLOW=FILE.dll: the program; VSWITCHD="...": another command in its place, e.g. /usr/sbin/ovs-vswitchd. The list is docs/upstream-tests.tsv; what is known to fail and why stands in docs/upstream-tests.md.
set -uo pipefail
root=$(cd "$(dirname "$0")" && pwd)
folder=/var/tmp/mergeflow-upstream jobs=2 limit=3000 out=/dev/null keep=
case ${1:-} in -h|--help) sed -n '2,14s/^# \{0,1\}//p' "$0"; exit 0 ;; esac
while getopts j:t:d:o:k o; do
    case $o in j) jobs=$OPTARG ;; t) limit=$OPTARG ;; d) folder=$OPTARG ;; o) out=$(realpath -m "$OPTARG") ;; k) keep=1 ;; *) sed -n '2,14s/^# \{0,1\}//p' "$0"; exit 64 ;; esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || { sed -n '2,14s/^# \{0,1\}//p' "$0"; exit 64; }
[ "$(id -u)" -eq 0 ] || { echo "run-upstream.sh: needs root: it makes namespaces"; exit 1; }
for need in python3 ovsdb-server ovs-vsctl ovs-ofctl ovs-appctl unshare; do command -v $need >/dev/null || { echo "run-upstream.sh: $need is not installed"; exit 1; }; done
program=${MERGEFLOW:-$root/Cli/bin/Release/net10.0/mergeflow.dll}
[ -n "${VSWITCHD:-}" ] || [ -e "$program" ] || { echo "run-upstream.sh: $program is not there: dotnet build Cli -c Release"; exit 1; }
switch=${VSWITCHD:-"dotnet $program vswitchd"}
list=$root/docs/upstream-tests.tsv

# Unpacked once; what configure would find out is written by hand.
tree=$folder/ovs
if [ ! -e "$tree/.prepared" ]; then
    mkdir -p "$folder/package" || exit 1
    (cd "$folder/package" && apt-get download -q openvswitch-source >/dev/null 2>&1) || { echo "run-upstream.sh: the package openvswitch-source cannot be had"; exit 1; }
    dpkg-deb -x "$folder"/package/openvswitch-source_*.deb "$folder/package/x" || exit 1
    rm -rf "$tree" && mkdir -p "$tree" && tar xzf "$folder/package/x/usr/src/openvswitch/openvswitch.tar.gz" -C "$tree" --strip-components=1 || exit 1
    sed -e 's|@HAVE_OPENSSL@|yes|; s|@OPENSSL_SUPPORTS_SNI@|yes|; s|@HAVE_UNBOUND@|no|; s|@EGREP@|grep -E|; s|@PYTHON3@|/usr/bin/python3|; s|@CFLAGS@||' "$tree/tests/atlocal.in" >"$tree/tests/atlocal"
    cat >"$tree/tests/atconfig" <<CONFIG
at_testdir='tests'
abs_builddir='$tree/tests'
at_srcdir='.'
abs_srcdir='$tree/tests'
at_top_srcdir='..'
abs_top_srcdir='$tree'
at_top_build_prefix='../'
abs_top_builddir='$tree'
at_top_builddir=\$at_top_build_prefix
AUTOTEST_PATH='bin'
SHELL=\${CONFIG_SHELL-'/bin/bash'}
CONFIG
    mkdir -p "$tree/bin"
    for helper in "$tree"/tests/*.py; do printf '#!/bin/sh\nexec /usr/bin/python3 %s "$@"\n' "$helper" >"$tree/bin/${helper##*/}"; chmod +x "$tree/bin/${helper##*/}"; done
    touch "$tree/.prepared"
fi
printf '#!/bin/sh\nexec %s "$@"\n' "$switch" >"$tree/bin/ovs-vswitchd" && chmod +x "$tree/bin/ovs-vswitchd" || exit 1
cd "$tree/tests" || exit 1
for suite in testsuite system-userspace-testsuite; do
    [ -s $suite.list ] || bash ./$suite -l 2>/dev/null | sed -nE 's/^ *([0-9]+): ([a-z0-9-]+\.at):([0-9]+) +(.*)$/\1\t\2\t\3\t\4/p' >$suite.list
done

unit=() system=()
add() {
    case $1 in
    unit) mapfile -t -O "${#unit[@]}" unit < <(awk -F'\t' 'NR==FNR {known[$1 FS $2]; next} ($2 FS $4) in known {print $1}' "$list" testsuite.list) ;;
    system) mapfile -t -O "${#system[@]}" system < <(awk -F'\t' 'NR==FNR {known[$1 FS $2]; next} ($2 FS $4) in known {print $1}' "$list" system-userspace-testsuite.list) ;;
    system-*.at) mapfile -t -O "${#system[@]}" system < <(awk -F'\t' -v f="$1" '$2==f {print $1}' system-userspace-testsuite.list) ;;
    *.at) mapfile -t -O "${#unit[@]}" unit < <(awk -F'\t' -v f="$1" '$2==f {print $1}' testsuite.list) ;;
    sys:*) system+=("${1#sys:}") ;;
    [0-9]*) unit+=("$1") ;;
    *) echo "run-upstream.sh: '$1' is no test"; exit 64 ;;
    esac
}
for what in "$@"; do add "$what"; done

: >"$out"
run() { # SUITE JOBS NUMBER...
    local suite=$1 at_a_time=$2; shift 2
    rm -rf "$suite.dir" "$suite.log"
    timeout -k 5 "$limit" unshare --net --mount --pid --fork --kill-child --mount-proc bash -c '
        mount --make-rprivate /; mkdir -p /run/netns; mount -t tmpfs none /run/netns; ip link set lo up
        suite=$1 jobs=$2; shift 2; export PATH=/usr/sbin:/usr/bin:/sbin:/bin; unset OVS_RUNDIR OVS_LOGDIR OVS_DBDIR OVS_SYSCONFDIR OVS_PKGDATADIR
        exec bash ./$suite -C . -j$jobs "$@" </dev/null' x "$suite" "$at_a_time" "$@" >"$suite.out" 2>&1
    python3 - "$suite" "$list" "$out" <<'TABLE'
import collections, re, sys
suite, known, out = sys.argv[1:4]
tests = {int(l.split("\t")[0]): l.rstrip("\n").split("\t")[1:] for l in open(suite + ".list")}
passes = {tuple(l.rstrip("\n").split("\t")[:2]) for l in open(known) if not l.startswith("#")}
verdicts = {}
for line in open(suite + ".out", errors="replace"):
    m = re.match(r"\s*(\d+): .*?\s+(ok|FAILED \(.*\)|skipped \(.*\)|expected failure \(.*\)|UNEXPECTED PASS)\s*$", line)
    if m and int(m.group(1)) in tests:
        verdicts[int(m.group(1))] = "pass" if m.group(2) == "ok" else "skip" if m.group(2).startswith("skip") else "fail"
files, total, worse = collections.defaultdict(collections.Counter), collections.Counter(), []
with open(out, "a") as lines:
    for number, verdict in sorted(verdicts.items()):
        file, line, name = tests[number]
        print(f"{verdict}\t{number}\t{file}:{line}\t{name}", file=lines)
        if (file, name) not in passes:
            continue
        for count in files[file], total:
            count["known"] += 1
            count[verdict] += 1
        if verdict != "pass":
            worse.append(f"{number}: {file}: {name}")
print(f"| {suite} | pass with the original, and were run | pass here | fail | skip |\n|---|---:|---:|---:|---:|")
for file, c in [*sorted(files.items()), ("**all**", total)]:
    print(f"| {file} | {c['known']} | {c['pass']} | {c['fail']} | {c['skip']} |")
if worse:
    print("\nDo not pass here:\n" + "\n".join("  " + w for w in worse))
sys.exit(1 if worse else 0)
TABLE
    local code=$?
    [ -n "$keep" ] || rm -rf "$suite.dir"
    return $code
}
result=0
# A program that is missing is a test that fails or is skipped: which ones, before the run.
if [ ${#system[@]} -gt 0 ]; then
    missing=
    for need in ip:iproute2 ping:iputils-ping nc:netcat-openbsd netstat:net-tools tcpdump:tcpdump ethtool:ethtool iptables:iptables curl:curl wget:wget lftp:lftp; do
        command -v "${need%%:*}" >/dev/null || missing="$missing ${need##*:}"
    done
    /usr/bin/python3 -c 'import pyftpdlib' 2>/dev/null || missing="$missing python3-pyftpdlib"
    [ -z "$missing" ] || { echo "run-upstream.sh: the system suite needs:$missing"; exit 1; }
fi
[ ${#unit[@]} -eq 0 ] || run testsuite "$jobs" "${unit[@]}" || result=1
[ ${#system[@]} -eq 0 ] || run system-userspace-testsuite 1 "${system[@]}" || result=1
exit $result
