using System.Globalization;
using System.Text.Json;

namespace Mergeflow.Cli;

/// <summary>What <c>case.json</c> says about the switch: its ports and its <c>config</c>. Everything else in the file is for judges, not for the switch.</summary>
public sealed record CaseConfig
{
    /// <summary>Largest <see cref="MergedRules"/>.</summary>
    public const int MaxMergedRules = 1 << 24;

    /// <summary>What recorded answers come from.</summary>
    private const string Recorder = "Open vSwitch 3.1.0";

    private static readonly string[] s_members = ["pmds", "vlan_limit", "mtu", "tcp_seq_chk", "ct_max_conns", "flow_limit", "merged_rules", "tunnels", "tlv_map", "ipf_min_frag_v4", "ipf_min_frag_v6", "frame_bytes", "learned"];

    /// <summary>What may stand beside the members of <c>config</c> in a file that holds only these.</summary>
    private static readonly string[] s_besides = ["ports", "quirks", "expected_from"];

    /// <summary>Null when the file names no ports.</summary>
    public IReadOnlyList<(string Name, uint Number)>? Ports { get; init; }

    /// <summary>VLAN tags that are parsed, of two that there can be; 0 = no limit (OVS <c>vlan-limit</c>).</summary>
    public int VlanLimit { get; init; } = 2;

    public int MtuBytes { get; init; } = 9000;

    /// <summary>Check TCP sequence numbers (OVS <c>dpctl/ct-enable-tcp-seq-chk</c>).</summary>
    public bool TcpSeqChk { get; init; } = true;

    /// <summary>Most connections (OVS <c>dpctl/ct-set-maxconns</c>).</summary>
    public int MaxConnections { get; init; } = ConntrackOptions.DefaultCapacityConnections;

    /// <summary>Most megaflows of each packet thread (OVS <c>other_config:flow-limit</c>).</summary>
    public int FlowLimit { get; init; } = new DatapathOptions { Ports = [] }.MegaflowCapacity;

    /// <summary>Most merged rules of the soft device, for each packet thread.</summary>
    public int MergedRules { get; init; } = new DatapathOptions { Ports = [] }.MergedCapacity;

    /// <summary>Tunnel ports: port name and options.</summary>
    public IReadOnlyList<(string Port, string Options)> Tunnels { get; init; } = [];

    /// <summary>The Geneve option behind <c>tun_metadata0</c>, as <c>ovs-ofctl add-tlv-map</c> takes it; the default value = none.</summary>
    public GeneveOption Option { get; init; }

    /// <summary>Packet threads (<c>pmds</c>).</summary>
    public int PmdCount { get; init; } = 1;

    /// <summary>Longest frame that the switch takes, bytes; super-frames are up to 65280 long.</summary>
    public int FrameBytes { get; init; } = 10_240;

    /// <summary>Addresses that <c>normal</c> has learned before the first event.</summary>
    public IReadOnlyList<LearnedSource> Learned { get; init; } = [];

    /// <summary>Smallest IPv4 fragment that is not the last one (OVS <c>dpctl/ipf-set-min-frag</c>).</summary>
    public int IpfMinFragV4Bytes { get; init; } = 1200;

    /// <summary>The same for IPv6.</summary>
    public int IpfMinFragV6Bytes { get; init; } = 1280;

    /// <summary>
    /// Whose faults the answers show (<c>quirks</c>, by name). Where nothing is said those of Open vSwitch 3.1, unless the answers are said to come from
    /// elsewhere (<c>expected_from</c>).
    /// </summary>
    public Quirks Quirks { get; init; } = Quirks.Ovs31;

    /// <summary>Reads a <c>case.json</c>, or a file that holds only the <c>config</c> object.</summary>
    public static CaseConfig Load(string path)
    {
        string name = Path.GetFileName(path);
        try
        {
            using JsonDocument document = JsonDocument.Parse(InputFile.ReadText(path));
            JsonElement root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object) CommandFailedException.ThrowBadInput(name, 1, "expected a JSON object");
            JsonElement config = root;
            if (root.TryGetProperty("config", out JsonElement inner) && inner.ValueKind != JsonValueKind.Null) config = inner;
            if (config.ValueKind != JsonValueKind.Object) CommandFailedException.ThrowBadInput(name, 1, "\"config\": expected an object");
            RefuseUnknown(config, isWholeFile: !root.TryGetProperty("config", out _), name);
            CaseConfig defaults = new();
            return new CaseConfig
            {
                Ports = PortList.Read(root, name),
                Tunnels = TunnelList.Read(config, name),
                Option = OptionOf(config, name),
                Quirks = QuirksOf(root, name),
                VlanLimit = Integer(config, "vlan_limit", 0, int.MaxValue, defaults.VlanLimit, name),
                MtuBytes = Integer(config, "mtu", 68, 65535, defaults.MtuBytes, name),
                TcpSeqChk = Flag(config, "tcp_seq_chk", defaults.TcpSeqChk, name),
                MaxConnections = Integer(config, "ct_max_conns", 1, ConntrackOptions.MaxCapacityConnections, defaults.MaxConnections, name),
                FlowLimit = Integer(config, "flow_limit", 1, MegaflowId.MaxSlots, defaults.FlowLimit, name),
                MergedRules = Integer(config, "merged_rules", 1, MaxMergedRules, defaults.MergedRules, name),
                PmdCount = Integer(config, "pmds", 1, ConnTracker.MaxThreads, defaults.PmdCount, name),
                IpfMinFragV4Bytes = Integer(config, "ipf_min_frag_v4", 0, 65535, defaults.IpfMinFragV4Bytes, name),
                FrameBytes = Integer(config, "frame_bytes", 10_240, 65_280, defaults.FrameBytes, name),
                Learned = LearnedList(config, name),
                IpfMinFragV6Bytes = Integer(config, "ipf_min_frag_v6", 0, 65535, defaults.IpfMinFragV6Bytes, name),
            };
        }
        catch (JsonException e)
        {
            int line = (int)(e.LineNumber ?? 0) + 1;
            int cut = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
            CommandFailedException.ThrowBadInput(name, line, $"not JSON: {(cut < 0 ? e.Message : e.Message[..cut])}");
            return null;
        }
        catch (InvalidOperationException)
        {
            // What JSON says of a string with half of a surrogate pair when it is read.
            CommandFailedException.ThrowBadInput(name, 1, "a string is not valid Unicode");
            return null;
        }
    }

    /// <summary>A member that is not known is a mistake, not a note: a switch would come out that nobody asked for.</summary>
    private static void RefuseUnknown(JsonElement config, bool isWholeFile, string file)
    {
        foreach (string member in config.EnumerateObject().Select(static m => m.Name))
        {
            if (s_members.Contains(member) || (isWholeFile && s_besides.Contains(member))) continue;
            CommandFailedException.ThrowBadInput(file, 1, $"unknown member {CliJson.Quote(member)}; \"config\" has {string.Join(", ", s_members)}");
        }
    }

    private static GeneveOption OptionOf(JsonElement config, string file)
    {
        if (!config.TryGetProperty("tlv_map", out JsonElement value)) return default;
        if (value.ValueKind == JsonValueKind.String && GeneveOptionText.TryParse(value.GetString()!, out GeneveOption option)) return option;
        CommandFailedException.ThrowBadInput(file, 1, $"\"tlv_map\": expected {GeneveOptionText.Format(new GeneveOption(0x102, 0x80, 4))}");
        return default;
    }

    private static Quirks QuirksOf(JsonElement root, string file)
    {
        if (!root.TryGetProperty("quirks", out JsonElement value))
            return root.TryGetProperty("expected_from", out JsonElement from) && from.ToString() != Recorder ? Quirks.None : Quirks.Ovs31;
        if (value.ValueKind == JsonValueKind.String && Quirks.Find(value.GetString()!) is { } quirks) return quirks;
        CommandFailedException.ThrowBadInput(file, 1, $"\"quirks\": expected {string.Join(" or ", Quirks.All.Select(q => $"\"{q.Name}\""))}");
        return Quirks.None;
    }

    private static int Integer(JsonElement config, string member, int min, int max, int fallback, string file)
    {
        if (!config.TryGetProperty(member, out JsonElement value)) return fallback;
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetInt32(out int number) || number < min || number > max)
        {
            CommandFailedException.ThrowBadInput(file, 1, $"\"{member}\": expected an integer in {min}..{max}");
            return 0;
        }
        return number;
    }

    /// <summary>Reads <c>"learned":["0200000000aa,VLAN,PORT",..]</c>.</summary>
    private static List<LearnedSource> LearnedList(JsonElement config, string file)
    {
        List<LearnedSource> learned = [];
        if (!config.TryGetProperty("learned", out JsonElement list)) return learned;
        if (list.ValueKind != JsonValueKind.Array) CommandFailedException.ThrowBadInput(file, 1, "\"learned\": expected an array");
        foreach (JsonElement item in list.EnumerateArray())
        {
            string[] parts = item.ValueKind == JsonValueKind.String ? item.GetString()!.Split(',') : [];
            if (parts.Length == 3
                && ulong.TryParse(parts[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong mac) && mac < 1UL << 48
                && ushort.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out ushort vlan)
                && uint.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out uint port)) learned.Add(new LearnedSource(mac, vlan, port));
            else CommandFailedException.ThrowBadInput(file, 1, "\"learned\": expected \"ADDRESS,VLAN,PORT\"");
        }

        return learned;
    }

    private static bool Flag(JsonElement config, string member, bool fallback, string file)
    {
        if (!config.TryGetProperty(member, out JsonElement value)) return fallback;
        if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
            CommandFailedException.ThrowBadInput(file, 1, $"\"{member}\": expected true or false");
        return value.GetBoolean();
    }
}
