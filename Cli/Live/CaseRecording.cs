using System.Globalization;
using System.Text;
using System.Text.Json;
using Mergeflow.Control;

namespace Mergeflow.Cli;

/// <summary>What a running switch did for a while, as a case directory: what it knew at the beginning, each packet that came, and what left because of it. Bounded in memory.</summary>
internal sealed class CaseRecording
{
    /// <summary>Most bytes of frames that are kept.</summary>
    public const long MaxBytes = 256L << 20;

    private const long NsPerMs = 1_000_000;
    private const int LargestFrameBytes = Packet.MaxLengthBytes;

    private readonly Dictionary<(int Pmd, long Event), Entry> _byEvent = [];
    private readonly List<Entry> _entries = [];
    private readonly string _bridge, _flows, _groups, _meters, _config;
    private readonly IReadOnlyList<SavedConn> _connections;
    private readonly IReadOnlyList<WatchedPort> _down;
    private long _bytes;

    /// <summary>From the moment on.</summary>
    public CaseRecording(RunningSwitch running, SwitchMoment moment)
    {
        _bridge = running.Datapath.Pipeline.Name;
        (_flows, _groups, _meters) = RulesOf(moment);
        _connections = moment.Connections;
        _down = [.. running.Watch!.Ports.Where(static p => !p.Carries)];
        _config = ConfigOf(running, moment);
    }

    /// <summary>Packets that came.</summary>
    public int Count => _entries.Count;

    /// <summary>Packets that left because of something that had come before.</summary>
    public int StrayCount { get; private set; }

    /// <summary>Rules as text.</summary>
    public static (string Flows, string Groups, string Meters) RulesOf(SwitchMoment moment)
    {
        FlowTextFormatter formatter = new();
        return (
            Lines(moment.Rules.Select(formatter.FormatWithoutStats)),
            Lines(moment.Groups.Select(formatter.FormatWithoutCommand)),
            Lines(moment.Meters.Select(static m => FlowTextFormatter.FormatWithoutCommand(m.Mod).Replace('\n', ' '))));
    }

    /// <summary>Takes one frame; false when there is no room for more.</summary>
    public bool Take(int pmd, in RingFrame frame)
    {
        if (_bytes + frame.Bytes.Length > MaxBytes) return false;
        _bytes += frame.Bytes.Length;
        if (frame.Direction == FrameDirections.In)
        {
            Entry entry = new(frame.Ns, frame.Port, frame.Bytes.ToArray());
            _byEvent[(pmd, frame.EventIndex)] = entry;
            _entries.Add(entry);
        }
        else if (_byEvent.TryGetValue((pmd, frame.EventIndex), out Entry? cause))
        {
            cause.Left.Add((frame.Port, frame.Bytes.ToArray()));
        }
        else
        {
            StrayCount++;
        }

        return true;
    }

    /// <summary>Takes a frame that has come, and what is to leave because of it.</summary>
    public void Add(uint port, byte[] frame, IReadOnlyList<(uint Port, byte[] Frame)> left)
    {
        Entry entry = new(0, port, frame);
        entry.Left.AddRange(left);
        _entries.Add(entry);
    }

    /// <summary>The files of the case, by name.</summary>
    /// <param name="file">Takes one.</param>
    /// <param name="changes">What has been changed since the moment, in order; of other bridges than the one whose rules the case has, nothing is in it.</param>
    /// <returns>Changes that are in it.</returns>
    public int Write(Action<string, byte[]> file, IEnumerable<SwitchChange>? changes = null)
    {
        SwitchChange[] own = [.. (changes ?? []).Where(c => c.Bridge == _bridge)];
        Text("case.json", _config);
        Text("flows.txt", _flows);
        if (_groups.Length > 0) Text("groups.txt", _groups);
        if (_meters.Length > 0) Text("meters.txt", _meters);
        using (MemoryStream connections = new())
        {
            ConnectionFile.Write(connections, _connections, DateTime.UtcNow);
            file("connections.jsonl", connections.ToArray());
        }

        StringBuilder events = new(), expected = new();
        long first = _entries.Cast<object>().Concat(own).Select(NsOf).DefaultIfEmpty(0).Min();
        int i = 0;
        foreach (WatchedPort port in _down)
        {
            events.Append(CultureInfo.InvariantCulture, $"{{\"i\":{i},\"t\":0,\"op\":\"port_down\",\"port\":{port.Number}}}\n");
            expected.Append(CultureInfo.InvariantCulture, $"{{\"i\":{i++},\"out\":[]}}\n");
        }

        // Each packet thread has frames for itself; no packet was under way when something changed.
        foreach (object item in _entries.Cast<object>().Concat(own).OrderBy(NsOf))
        {
            long timeMs = (NsOf(item) - first) / NsPerMs;
            if (item is SwitchChange change)
            {
                foreach (string what in ChangeEvents.Of(change))
                {
                    events.Append(CultureInfo.InvariantCulture, $"{{\"i\":{i},\"t\":{timeMs},{what}}}\n");
                    expected.Append(CultureInfo.InvariantCulture, $"{{\"i\":{i++},\"out\":[]}}\n");
                }

                continue;
            }

            Entry entry = (Entry)item;
            events.Append(CultureInfo.InvariantCulture, $"{{\"i\":{i},\"t\":{timeMs},\"op\":\"pkt\",\"port\":{entry.Port},\"hex\":\"{Convert.ToHexStringLower(entry.Frame)}\"}}\n");
            expected.Append(CultureInfo.InvariantCulture, $"{{\"i\":{i++},\"out\":[{string.Join(',', entry.Left.Select(static l => string.Create(CultureInfo.InvariantCulture, $"[{l.Port},\"{Convert.ToHexStringLower(l.Frame)}\"]")))}]}}\n");
        }

        Text("events.jsonl", events.ToString());
        Text("expected.jsonl", expected.ToString());
        return own.Length;

        void Text(string name, string text) => file(name, Encoding.UTF8.GetBytes(text));
    }

    private static long NsOf(object item) => item is SwitchChange change ? change.Ns : ((Entry)item).Ns;

    private static string Lines(IEnumerable<string> lines) => string.Concat(lines.Select(static l => l + "\n"));

    private static string ConfigOf(RunningSwitch running, SwitchMoment moment)
    {
        DatapathOptions options = running.Datapath.Options;
        using MemoryStream bytes = new();
        using (Utf8JsonWriter json = new(bytes, new JsonWriterOptions { Indented = true, Encoder = CliJson.Encoder }))
        {
            json.WriteStartObject();
            json.WriteString("quirks", options.Quirks.Name);
            json.WriteStartObject("ports");
            foreach (PortSpec port in running.Specs) json.WriteNumber(port.Name, port.Number);
            json.WriteEndObject();
            json.WriteStartObject("config");
            json.WriteNumber("vlan_limit", options.VlanLimit);
            json.WriteNumber("mtu", ushort.MaxValue);
            json.WriteNumber("frame_bytes", LargestFrameBytes);
            json.WriteBoolean("tcp_seq_chk", options.TcpSeqChk);
            json.WriteNumber("ct_max_conns", options.ConnectionCapacity);
            json.WriteNumber("flow_limit", options.MegaflowCapacity);
            json.WriteNumber("merged_rules", options.MergedCapacity);
            json.WriteNumber("ipf_min_frag_v4", options.IpfMinFragV4Bytes);
            json.WriteNumber("ipf_min_frag_v6", options.IpfMinFragV6Bytes);
            json.WriteStartArray("learned");
            foreach (LearnedSource source in moment.Addresses) json.WriteStringValue(string.Create(CultureInfo.InvariantCulture, $"{source.Mac:x12},{source.Vid},{source.Port}"));
            json.WriteEndArray();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray()) + "\n";
    }

    private sealed record Entry(long Ns, uint Port, byte[] Frame)
    {
        public List<(uint Port, byte[] Frame)> Left { get; } = [];
    }
}
