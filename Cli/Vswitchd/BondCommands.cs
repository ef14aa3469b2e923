using System.Globalization;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;

namespace Mergeflow.Cli;

/// <summary>Questions of <c>ovs-appctl</c> about bonds: <c>bond/*</c>, <c>lacp/show</c>.</summary>
internal sealed class BondCommands(Vswitchd vswitchd)
{
    public void AddTo(UnixctlCommands commands)
    {
        commands.Add("bond/list", "", 0, 0, _ => vswitchd.Locked(() => "bond\ttype\trecircID\tmembers\n" + Each(static bond => bond.IsBond ? bond.ListLine() : "")));
        commands.Add("bond/show", "[port]", 0, 1, words => vswitchd.Locked(() => words.Count == 0 ? Each(static bond => bond.IsBond ? bond.Show(LiveSwitch.NowMs) : "") : With(words[0], static bond => bond.Show(LiveSwitch.NowMs))));

        // Under their older names too.
        foreach (string member in (ReadOnlySpan<string>)["member", "slave"])
        {
            commands.Add($"bond/enable-{member}", "port member", 2, 2, words => vswitchd.Locked(() => With(words[0], bond => SetEnabled(bond, words[1], true))));
            commands.Add($"bond/disable-{member}", "port member", 2, 2, words => vswitchd.Locked(() => With(words[0], bond => SetEnabled(bond, words[1], false))));
            commands.Add($"bond/set-active-{member}", "port member", 2, 2, words => vswitchd.Locked(() => With(words[0], bond =>
            {
                if (bond.SetActive(words[1], out bool isChanged) is { } wrong) throw new UnixctlException(wrong);
                return isChanged ? "done" : "no change";
            })));
        }

        commands.Add("bond/hash", "mac [vlan] [basis]", 1, 3, Hash);
        commands.Add("bond/migrate", "port hash member", 3, 3, words => vswitchd.Locked(() => With(words[0], bond =>
        {
            int bucket = int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : -1;
            return bond.Migrate(bucket, words[2]) is { } wrong ? throw new UnixctlException(wrong) : "migrated";
        })));
        commands.Add("lacp/show", "[port]", 0, 1, words => vswitchd.Locked(() => words.Count == 0
            ? Each(static bond => bond.Lacp?.Show() ?? "")
            : With(words[0], static bond => bond.Lacp?.Show() ?? throw new UnixctlException("no such lacp object"), isForLacp: true)));
        commands.Add("lacp/show-stats", "[port]", 0, 1, words => vswitchd.Locked(() => words.Count == 0
            ? Each(static bond => bond.Lacp?.ShowStatistics() ?? "")
            : With(words[0], static bond => bond.Lacp?.ShowStatistics() ?? throw new UnixctlException("no such lacp object"), isForLacp: true)));
    }

    /// <summary>The bucket of an address in a balance-slb bond (OVS <c>bond_unixctl_hash</c>).</summary>
    private static string Hash(IReadOnlyList<string> words)
    {
        uint vlan = 0, basis = 0;
        if (words.Count > 1 && !uint.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out vlan)) throw new UnixctlException("invalid vlan");
        if (words.Count > 2 && !uint.TryParse(words[2], NumberStyles.None, CultureInfo.InvariantCulture, out basis)) throw new UnixctlException("invalid basis");
        if (MacText.ParseAny(words[0]) is not { } mac) throw new UnixctlException("invalid mac");
        return (BondHash.OfMac(mac, (ushort)vlan, basis) % BondPlan.BucketCount).ToString(CultureInfo.InvariantCulture);
    }

    private static string SetEnabled(Bond bond, string member, bool isEnabled)
        => bond.SetEnabled(member, isEnabled) ? isEnabled ? "enabled" : "disabled" : throw new UnixctlException("no such member");

    private string Each(Func<Bond, string> text)
        => string.Concat(BridgeCommands.All(vswitchd).Select(bridge => bridge.Forwarding.Locked(() => string.Concat(bridge.Forwarding.Bonds.Values.Select(text)))));

    private string With(string port, Func<Bond, string> work, bool isForLacp = false)
    {
        foreach (LiveBridge bridge in BridgeCommands.All(vswitchd))
        {
            if (bridge.Forwarding.Locked(() => bridge.Forwarding.Bonds.GetValueOrDefault(port) is { } bond && (bond.IsBond || isForLacp) ? work(bond) : null) is not { } answer) continue;
            bridge.Forwarding.Run(LiveSwitch.NowMs);
            return answer;
        }

        throw new UnixctlException(isForLacp ? "no such lacp object" : "no such bond");
    }
}
