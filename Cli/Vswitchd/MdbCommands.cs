using System.Globalization;
using System.Text;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;

namespace Mergeflow.Cli;

/// <summary>Questions of <c>ovs-appctl</c> about multicast groups: <c>mdb/*</c>.</summary>
internal sealed class MdbCommands(Vswitchd vswitchd)
{
    private const ulong MappedPrefix = 0xffff;

    public void AddTo(UnixctlCommands commands)
    {
        commands.Add("mdb/show", "bridge", 1, 1, words => vswitchd.Locked(() => Show(Find(words[0]))));
        commands.Add("mdb/flush", "[bridge]", 0, 1, words => vswitchd.Locked(() => Flush(words)));
    }

    private static string Show(LiveBridge bridge)
    {
        long nowMs = LiveSwitch.NowMs;
        StringBuilder text = new(" port  VLAN  GROUP                Age\n");
        foreach (MulticastMember m in bridge.Pipeline.MulticastMembers(nowMs))
            text.Append(CultureInfo.InvariantCulture, $"{FdbCommands.PortText(m.Port),5}  {m.Vid,4}  {GroupText(m.Group)}         {m.AgeSeconds,3}\n");
        foreach (MulticastRouter r in bridge.Pipeline.MulticastRouters(nowMs))
            text.Append(CultureInfo.InvariantCulture, $"{FdbCommands.PortText(r.Port),5}  {r.Vid,4}  querier             {r.AgeSeconds,3}\n");
        return text.ToString();
    }

    private string Flush(IReadOnlyList<string> words)
    {
        IEnumerable<LiveBridge> bridges = words.Count == 0 ? BridgeCommands.All(vswitchd).Where(static b => b.Pipeline.MulticastSettings is not null) : [Find(words[0])];
        foreach (LiveBridge bridge in bridges) bridge.Bridge.ForgetMulticast(LiveSwitch.NowMs);
        return "table successfully flushed\n";
    }

    /// <summary>Groups of IPv4 as their addresses (OVS <c>ipv6_format_mapped</c>).</summary>
    private static string GroupText(Ipv6Address group)
    {
        UInt128 value = group.ToUInt128();
        return value >> 32 == MappedPrefix ? string.Create(CultureInfo.InvariantCulture, $"{(byte)(value >> 24)}.{(byte)(value >> 16)}.{(byte)(value >> 8)}.{(byte)value}") : group.ToString();
    }

    private LiveBridge Find(string name)
    {
        LiveBridge bridge = BridgeCommands.Find(vswitchd, name);
        return bridge.Pipeline.MulticastSettings is null ? throw new UnixctlException("multicast snooping is disabled") : bridge;
    }
}
