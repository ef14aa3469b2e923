using System.Globalization;
using System.Text;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;
using Mergeflow.Control.OpenFlow;

namespace Mergeflow.Cli;

/// <summary>Questions of <c>ovs-appctl</c> about connections (OVS <c>lib/dpctl.c</c>): dump, flush, counts, limits. All datapaths answer together.</summary>
internal sealed class ConntrackCommands(Vswitchd vswitchd)
{
    /// <summary>States of TCP connections in OVS's order (<c>CT_DPIF_TCP_STATES</c>).</summary>
    private static readonly string[] s_tcpStates = ["CLOSED", "LISTEN", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "CLOSE_WAIT", "FIN_WAIT_1", "CLOSING", "LAST_ACK", "FIN_WAIT_2", "TIME_WAIT"];

    private ConntrackSettings Settings => vswitchd.Conntrack;

    public void AddTo(UnixctlCommands commands)
    {
        commands.Add("dpctl/dump-conntrack", "[-m] [-s] [dp] [zone=N]", 0, 4, words => vswitchd.Locked(() => Dump(words)));
        commands.Add("dpctl/flush-conntrack", "[dp] [zone=N] [ct-orig-tuple] [ct-reply-tuple]", 0, 4, words => vswitchd.Locked(() => Flush(words)));
        commands.Add("dpctl/ct-stats-show", "[-m] [dp] [zone=N]", 0, 4, words => vswitchd.Locked(() => Statistics(words)));
        Add(commands, "ct-set-maxconns", "[dp] maxconns", 1, 1, SetMaxConnections);
        Add(commands, "ct-get-maxconns", "[dp]", 0, 0, _ => Line(Trackers().Select(static t => (int?)t.MaxConnections).FirstOrDefault() ?? Settings.MaxConnections ?? ConntrackOptions.DefaultCapacityConnections));
        Add(commands, "ct-get-nconns", "[dp]", 0, 0, _ => Line(Trackers().Sum(static t => t.Count)));
        Add(commands, "ct-enable-tcp-seq-chk", "[dp]", 0, 0, _ => SetTcpSeqChk(true));
        Add(commands, "ct-disable-tcp-seq-chk", "[dp]", 0, 0, _ => SetTcpSeqChk(false));
        Add(commands, "ct-get-tcp-seq-chk", "[dp]", 0, 0, _ => $"TCP sequence checking: {((Settings.TcpSeqChk ?? Trackers().All(static t => t.TcpSeqChk)) ? "enabled" : "disabled")}\n");
        Add(commands, "ct-set-limits", "[dp] [default=L] [zone=N,limit=L]...", 1, int.MaxValue - 1, SetLimits);
        Add(commands, "ct-del-limits", "[dp] zone=N1[,N2]...", 1, 1, RemoveLimits);
        Add(commands, "ct-get-limits", "[dp] [zone=N1[,N2]...]", 0, 1, ShowLimits);
    }

    /// <summary>A command whose first argument may be a datapath (OVS <c>opt_dpif_open</c>): with as many arguments as there can be it has to be one.</summary>
    internal void Add(UnixctlCommands commands, string name, string usage, int least, int most, Func<IReadOnlyList<string>, string> work)
        => commands.Add("dpctl/" + name, usage, least, most + 1, words => vswitchd.Locked(() =>
        {
            if (words.Count > 0 && SharedDatapath.IsCalled(words[0])) return work([.. words.Skip(1)]);
            if (words.Count > most) throw Invalid("datapath not found");
            return work(words);
        }));

    /// <summary>As <c>dpctl</c> says what is wrong with arguments.</summary>
    internal static UnixctlException Invalid(string text) => new($"ovs-vswitchd: {text} (Invalid argument)");

    /// <summary>The connection trackers of all datapaths.</summary>
    internal IEnumerable<ConnTracker> Trackers() => vswitchd.Datapaths.Select(static d => d.Datapath.Conntrack);

    /// <summary>Makes all trackers as it was set.</summary>
    internal string Applied(string text)
    {
        foreach (ConnTracker tracker in Trackers()) Settings.Apply(tracker);
        return text;
    }

    private static string Line(int number) => number.ToString(CultureInfo.InvariantCulture) + "\n";

    /// <summary>The zone that the last word names, and whether the others name a datapath that there is.</summary>
    private ushort? ZoneOf(IReadOnlyList<string> words, int most)
    {
        List<string> left = [.. words.Where(static w => !w.StartsWith('-'))];
        ushort? zone = left is [.., var last] && last.StartsWith("zone=", StringComparison.Ordinal) && ushort.TryParse(last.AsSpan("zone=".Length), NumberStyles.None, CultureInfo.InvariantCulture, out ushort number) ? number : null;
        if (zone is not null) left.RemoveAt(left.Count - 1);
        SharedDatapath.Open(vswitchd, left, most);
        return zone;
    }

    private string Dump(IReadOnlyList<string> words)
    {
        ushort? zone = ZoneOf(words, most: 1);
        bool withStatistics = words.Contains("-s");
        StringBuilder text = new();
        foreach (ConnInfo connection in vswitchd.Datapaths.SelectMany(static d => d.Datapath.DumpConnections(LiveSwitch.NowMs)))
        {
            if (zone is null || connection.Zone == zone) text.Append(ConnectionText.Line(connection, withStatistics)).Append('\n');
        }

        return text.ToString();
    }

    private string Flush(IReadOnlyList<string> words)
    {
        List<string> left = [.. words];
        if (left.Count > 0 && SharedDatapath.IsCalled(left[0])) left.RemoveAt(0);
        ushort? zone = Zone(left);
        if (left.Count > 0 && left[0].StartsWith("zone=", StringComparison.Ordinal)) left.RemoveAt(0);
        if (left.Count > 2) throw Invalid("invalid arguments");
        byte protocol = 0;
        bool? isIpv6 = null;
        OfCtTuple?[] tuples = new OfCtTuple?[2];
        for (int i = 0; i < left.Count; i++)
        {
            if (left[i].Length == 0) continue;
            if (CtTupleText.Read(left[i], ref protocol, ref isIpv6, out OfCtTuple tuple) is { } wrong) throw Invalid(wrong);
            tuples[i] = tuple;
        }

        OfCtFlush which = new() { Zone = zone, Protocol = protocol, Original = tuples[0], Reply = tuples[1] };
        bool isThere = false;
        foreach (LiveDatapath datapath in vswitchd.Datapaths) isThere |= ConnectionFlush.Run(datapath.Datapath, which, LiveSwitch.NowMs);
        return isThere || vswitchd.Datapaths.Count == 0 ? "" : throw ManualCommands.Error("failed to flush conntrack (No such file or directory)");
    }

    private string Statistics(IReadOnlyList<string> words)
    {
        ushort? zone = ZoneOf([.. words.Where(static w => w != "verbose")], most: 1);
        ConnInfo[] connections = [.. vswitchd.Datapaths.SelectMany(static d => d.Datapath.DumpConnections(LiveSwitch.NowMs)).Where(c => zone is null || c.Zone == zone)];
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"Connections Stats:\n    Total: {connections.Length}\n");
        Dictionary<string, int> counts = connections.GroupBy(static c => NameOf(c.Proto)).ToDictionary(static g => g.Key, static g => g.Count(), StringComparer.Ordinal);
        foreach (string name in (ReadOnlySpan<string>)["TCP", "UDP", "UDPLITE", "SCTP", "ICMP", "ICMPV6", "DCCP", "IGMP", "Other"])
        {
            if (!counts.TryGetValue(name, out int count)) continue;
            text.Append(CultureInfo.InvariantCulture, $"  {name}: {count}\n");
            if (name == "TCP" && (words.Contains("-m") || words.Contains("verbose"))) WriteStates(text, connections);
        }

        return text.ToString();
    }

    private static void WriteStates(StringBuilder text, IEnumerable<ConnInfo> connections)
    {
        text.Append("    Conn per TCP states:\n");
        Dictionary<string, int> counts = connections.Where(static c => c.State is not null).GroupBy(static c => c.State!).ToDictionary(static g => g.Key, static g => g.Count(), StringComparer.Ordinal);
        foreach (string state in s_tcpStates)
        {
            if (counts.TryGetValue(state, out int count)) text.Append(CultureInfo.InvariantCulture, $"\t[{state}]={count}\n");
        }
    }

    private string SetMaxConnections(IReadOnlyList<string> words)
    {
        if (!uint.TryParse(words[0], NumberStyles.None, CultureInfo.InvariantCulture, out uint most)) throw Invalid("maxconns missing or malformed");
        Settings.MaxConnections = (int)Math.Min(most, ConntrackOptions.DefaultCapacityConnections);
        return Applied("setting maxconns successful");
    }

    private string SetTcpSeqChk(bool isOn)
    {
        Settings.TcpSeqChk = isOn;
        return Applied($"{(isOn ? "enabling" : "disabling")} TCP sequence checking successful");
    }

    private string SetLimits(IReadOnlyList<string> words)
    {
        uint? byDefault = null;
        List<(ushort Zone, uint Limit)> zones = [];
        for (int i = 0; i < words.Count; i++)
        {
            if (i == 0 && words[i].StartsWith("default=", StringComparison.Ordinal))
            {
                byDefault = uint.TryParse(words[i].AsSpan("default=".Length), NumberStyles.None, CultureInfo.InvariantCulture, out uint limit) ? limit : throw Invalid("invalid default limit");
                continue;
            }

            zones.Add(ZoneLimit(words[i]));
        }

        if (byDefault is { } set) Settings.DefaultLimit = set;
        foreach ((ushort zone, uint limit) in zones) Settings.SetZone(zone, limit);
        return Applied("");
    }

    private static (ushort Zone, uint Limit) ZoneLimit(string text)
    {
        ushort? zone = null;
        uint? limit = null;
        foreach (string part in text.Split(','))
        {
            int at = part.IndexOf('=', StringComparison.Ordinal);
            (string key, string value) = at < 0 ? (part, "") : (part[..at], part[(at + 1)..]);
            if (value.Length == 0) throw Invalid($"field {key} missing value");
            if (key == "zone") zone = ushort.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out ushort z) ? z : throw Invalid("failed to parse field zone");
            else if (key == "limit") limit = uint.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out uint l) ? l : throw Invalid("failed to parse field limit");
            else throw Invalid($"invalid zone limit field: {key}");
        }

        return zone is { } ofZone && limit is { } most ? (ofZone, most) : throw Invalid("failed to parse zone limit");
    }

    private static ushort[] Zones(string text)
    {
        if (!text.StartsWith("zone=", StringComparison.Ordinal)) throw Invalid($"invalid argument {text}");
        return [.. text["zone=".Length..].Split(',', StringSplitOptions.RemoveEmptyEntries).Select(static z => ushort.TryParse(z, NumberStyles.None, CultureInfo.InvariantCulture, out ushort zone) ? zone : throw Invalid("invalid zone"))];
    }

    private string RemoveLimits(IReadOnlyList<string> words)
    {
        foreach (ushort zone in Zones(words[0])) Settings.RemoveZone(zone);
        return Applied("");
    }

    private string ShowLimits(IReadOnlyList<string> words)
    {
        IEnumerable<ushort> zones = words.Count == 0 ? Settings.Zones.Keys : Zones(words[0]);
        StringBuilder text = new();
        text.Append(CultureInfo.InvariantCulture, $"default limit={Settings.DefaultLimit}\n");
        foreach (ushort zone in zones)
        {
            uint limit = Settings.Zones.TryGetValue(zone, out uint own) ? own : Settings.DefaultLimit;
            text.Append(CultureInfo.InvariantCulture, $"zone={zone},limit={limit},count={Trackers().Sum(t => t.GetZoneLimit(zone).Count)}\n");
        }

        return text.ToString();
    }

    private static string NameOf(byte protocol) => protocol switch
    {
        1 => "ICMP",
        2 => "IGMP",
        6 => "TCP",
        17 => "UDP",
        33 => "DCCP",
        58 => "ICMPV6",
        132 => "SCTP",
        136 => "UDPLITE",
        _ => "Other",
    };

    private static ushort? Zone(IReadOnlyList<string> words)
    {
        if (words.FirstOrDefault(static w => w.StartsWith("zone=", StringComparison.Ordinal)) is not { } word) return null;
        return ushort.TryParse(word.AsSpan("zone=".Length), NumberStyles.None, CultureInfo.InvariantCulture, out ushort zone) ? zone : throw Invalid("failed to parse zone");
    }
}
