#!/usr/bin/env bash
# Builds Release and measures throughput. Without arguments: the default suite, within two minutes on two cores.
#   ./run-perf.sh --help          what else it can do
# Writes results.json and report.html in the current directory.
set -uo pipefail
home=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd) || exit 1
export DOTNET_NOLOGO=true DOTNET_CLI_TELEMETRY_OPTOUT=true DOTNET_CLI_UI_LANGUAGE=en MSBUILDDISABLENODEREUSE=1

# The SDK keeps its caches at home and refuses to run without one.
if [ ! -w "${HOME:-}" ] && [ ! -w "${DOTNET_CLI_HOME:-}" ]; then
    DOTNET_CLI_HOME=${TMPDIR:-/tmp}/mergeflow-dotnet-$(id -u) && mkdir -p -m 700 "$DOTNET_CLI_HOME" && export DOTNET_CLI_HOME
    export NUGET_PACKAGES=${NUGET_PACKAGES:-$DOTNET_CLI_HOME/packages}
fi

dotnet=$(command -v dotnet || true)
for candidate in "${DOTNET_ROOT:-}/dotnet" "${HOME:-}/.dotnet/dotnet"; do
    [ -n "$dotnet" ] || { [ -x "$candidate" ] && dotnet=$candidate; }
done
if [ -z "$dotnet" ] || ! (cd "$home" && "$dotnet" --version) 2>/dev/null | grep -q '^10\.'; then
    echo "run-perf: the .NET 10 SDK is missing: https://dotnet.microsoft.com/download/dotnet/10.0 (Debian/Ubuntu: apt-get install dotnet-sdk-10.0)" >&2
    exit 1
fi

log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
trap 'rm -f "$log"; exit 130' INT
trap 'rm -f "$log"; exit 143' TERM
trap 'rm -f "$log"; exit 129' HUP
[ -t 2 ] && printf 'building (Release) ...\r' >&2
# No build servers: they would stay behind and share the processors with the measurement.
if ! (cd "$home" && exec "$dotnet" build Perf/Perf.csproj -c Release -v q --disable-build-servers) </dev/null >"$log" 2>&1; then
    grep -E ': (error|warning) ' "$log" | sort -u >&2 || cat "$log" >&2
    echo "run-perf: the build failed" >&2
    exit 1
fi
[ -t 2 ] && printf '\033[2K\r' >&2
rm -f "$log"
trap - EXIT INT TERM HUP

exec "$dotnet" "$home/Perf/bin/Release/net10.0/Mergeflow.Perf.dll" "$@"
