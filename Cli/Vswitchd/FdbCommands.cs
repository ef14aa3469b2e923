using System.Globalization;
using System.Text;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;

namespace Mergeflow.Cli;

/// <summary>Questions of <c>ovs-appctl</c> about addresses that <c>normal</c> knows: <c>fdb/*</c>.</summary>
internal sealed class FdbCommands(Vswitchd vswitchd)
{
    public void AddTo(UnixctlCommands commands)
    {
        commands.Add("fdb/show", "bridge", 1, 1, words => vswitchd.Locked(() => Show(Find(words[0]))));
        commands.Add("fdb/flush", "[bridge]", 0, 1, words => vswitchd.Locked(() => Flush(words)));
        commands.Add("fdb/add", "bridge port vlan mac", 4, 4, words => vswitchd.Locked(() => Add(Find(words[0]), words)));
        commands.Add("fdb/del", "bridge vlan mac", 3, 3, words => vswitchd.Locked(() => Delete(Find(words[0]), words)));
        commands.Add("fdb/stats-show", "bridge", 1, 1, words => vswitchd.Locked(() => ShowStatistics(Find(words[0]))));
        commands.Add("fdb/stats-clear", "[bridge]", 0, 1, words => vswitchd.Locked(() => ClearStatistics(words)));
    }

    private string ClearStatistics(IReadOnlyList<string> words)
    {
        IEnumerable<LiveBridge> bridges = words.Count == 0 ? BridgeCommands.All(vswitchd) : [Find(words[0])];
        foreach (LiveBridge bridge in bridges) bridge.Pipeline.ClearAddressStatistics();
        return "statistics successfully cleared\n";
    }

    private static string Show(LiveBridge bridge)
    {
        StringBuilder text = new(" port  VLAN  MAC                Age\n");
        foreach ((LearnedSource source, long ageMs) in bridge.Pipeline.LearnedAddresses(LiveSwitch.NowMs))
            text.Append(CultureInfo.InvariantCulture, $"{PortText(source.Port),5}  {source.Vid,4}  {MacText.Of(source.Mac)}  {ageMs / 1000,3}\n");
        foreach (LearnedSource set in bridge.Pipeline.StaticAddresses)
            text.Append(CultureInfo.InvariantCulture, $"{PortText(set.Port),5}  {set.Vid,4}  {MacText.Of(set.Mac)}  static\n");
        return text.ToString();
    }

    private string Flush(IReadOnlyList<string> words)
    {
        IEnumerable<LiveBridge> bridges = words.Count == 0 ? BridgeCommands.All(vswitchd) : [Find(words[0])];
        foreach (LiveBridge bridge in bridges) bridge.Bridge.ForgetLearned(LiveSwitch.NowMs);
        return "table successfully flushed\n";
    }

    private string Add(LiveBridge bridge, IReadOnlyList<string> words)
    {
        MacKey key = Key(words[3], words[2]);
        if (!vswitchd.Bridges.OfportsOf(bridge.Name).TryGetValue(words[1], out int ofport)) throw new UnixctlException("software error, odp port is present but no ofp port");
        if (!bridge.Bridge.SetStaticAddress(key, (uint)ofport, LiveSwitch.NowMs, out (uint Port, bool IsStatic)? before)) throw new UnixctlException("could not add static mac entry\n");
        return before is not { } old || (old.IsStatic && old.Port == (uint)ofport) ? "" : $"Overriding already existing {(old.IsStatic ? "static" : "dynamic")} entry on {PortText(old.Port)}\n";
    }

    private static string Delete(LiveBridge bridge, IReadOnlyList<string> words)
        => bridge.Bridge.RemoveStaticAddress(Key(words[2], words[1]), LiveSwitch.NowMs) ? "" : throw new UnixctlException("could not find static mac entry\n");

    private static string ShowStatistics(LiveBridge bridge)
    {
        MacStatistics s = bridge.Pipeline.AddressStatistics;
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"Statistics for bridge \"{bridge.Name}\":\n  Current/maximum MAC entries in the table: {s.Count}/{s.Capacity}\n");
        text.Append(CultureInfo.InvariantCulture, $"  Current static MAC entries in the table : {s.StaticCount}\n  Total number of learned MAC entries     : {s.Learned}\n");
        text.Append(CultureInfo.InvariantCulture, $"  Total number of expired MAC entries     : {s.Expired}\n  Total number of evicted MAC entries     : {s.Evicted}\n  Total number of port moved MAC entries  : {s.Moved}\n");
        return text.ToString();
    }

    private static MacKey Key(string mac, string vlan)
    {
        if (MacText.Parse(mac) is not { } address) throw new UnixctlException("bad MAC address");
        return new MacKey(address, ushort.TryParse(vlan, NumberStyles.None, CultureInfo.InvariantCulture, out ushort vid) ? vid : (ushort)0);
    }

    internal static string PortText(uint port) => port == OfportAllocator.Local ? "LOCAL" : port.ToString(CultureInfo.InvariantCulture);

    private LiveBridge Find(string name) => BridgeCommands.Find(vswitchd, name);
}
