using System.Globalization;
using System.Text.RegularExpressions;
using Mergeflow.Control;
using Mergeflow.Control.Tracing;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// <c>ofproto/trace</c> word for word as Open vSwitch 3.1.0 answered it: rules and questions are in <c>Data/traces</c>, with the answers recorded. Only recirculation ids are not compared, whose choice is free,
/// and the order of the ports of a flood, which depends on addresses of memory there.
/// </summary>
public sealed partial class RecordedTraceTests
{
    private const uint Local = 0xfffe;

    public static TheoryData<string> Cases => [.. Directory.EnumerateFiles(Folder, "*.case").SelectMany(static f => Read(f).Select(c => $"{Path.GetFileName(f)}: {c.Name}"))];

    private static string Folder => Path.Combine(RepositoryFiles.Root, "Tests", "Data", "traces");

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_trace_says_what_Open_vSwitch_says(string which)
    {
        string[] parts = which.Split(": ", 2);
        (string Name, List<string> Lines) wanted = Read(Path.Combine(Folder, parts[0])).Single(c => c.Name == parts[1]);
        string[] numbers = [.. wanted.Lines.Where(static l => l.StartsWith("ports ", StringComparison.Ordinal)).SelectMany(static l => l.Split(' ').Skip(1))];
        List<TracePort> ports = [.. numbers.Select(static n => new TracePort($"p{n}", Number(n), Number(n))), new TracePort("br0", Local, 100)];
        using Datapath datapath = new(new DatapathOptions
        {
            Ports = [],
            VlanLimit = 1,
            Quirks = Quirks.Ovs31Exact,
        }, sink: null);
        DatapathBridge pipeline = datapath.AddBridge("br0", 0);
        foreach (TracePort port in ports) pipeline.Ports.Add(new PipelinePort(port.Name, port.Ofport) { InDatapath = port.Number }, 0, 0);
        TraceBridge bridge = new("br0", pipeline, "dummy@ovs-dummy", ports) { DatapathPorts = ports.ToDictionary(static p => p.Number!.Value, static p => p.Name) };
        FlowTextParser parser = new(bridge.Names);
        int traced = 0;
        for (int i = 0; i < wanted.Lines.Count; i++)
        {
            (string word, string rest) = Word(wanted.Lines[i]);
            switch (word)
            {
                case "flow":
                    pipeline.ApplyFlowMods(parser.ParseFlows(rest), 0);
                    break;
                case "group":
                    pipeline.ApplyGroupMod(Assert.Single(parser.ParseGroups(rest, GroupModCommand.Add)), 0);
                    break;
                case "trace" or "trace-packet-out":
                    List<string> answer = [];
                    while (i + 1 < wanted.Lines.Count && wanted.Lines[i + 1].StartsWith('|')) answer.Add(wanted.Lines[++i][1..]);
                    string expected = Comparable(string.Join('\n', answer.Select(static l => l.Length > 0 ? l[1..] : l)));
                    Assert.Equal(expected, Comparable(Ask([bridge], word, rest)), ignoreLineEndingDifferences: true);
                    traced++;
                    break;
                default:
                    Assert.Equal("ports", word);
                    break;
            }
        }

        Assert.NotEqual(0, traced);
    }

    private static string Ask(TraceBridge[] bridges, string word, string rest)
    {
        string[] words = [.. Quoted().Matches(rest).Select(static m => m.Value.Trim('\''))];
        try
        {
            return word == "trace" ? OfprotoTrace.Write(bridges, words, 0) : OfprotoTrace.WritePacketOut(bridges, words, 0);
        }
        catch (UnixctlException e)
        {
            return $"{e.Message.TrimEnd('\n')}\novs-appctl: ovs-vswitchd: server returned an error";
        }
    }

    /// <summary>Recirculation ids by the order in which they appear, and outputs sorted where there is nothing but them.</summary>
    private static string Comparable(string text)
    {
        Dictionary<string, int> ids = [];
        string named = RecircId().Replace(text, m => $"{m.Groups[1].Value}R{(ids.TryGetValue(m.Groups[2].Value, out int known) ? known : ids[m.Groups[2].Value] = ids.Count + 1)}");
        return Outputs().Replace(named, static m => m.Groups[1].Value + string.Join(',', m.Groups[2].Value.Split(',').Order(StringComparer.Ordinal))).TrimEnd('\n');
    }

    private static List<(string Name, List<string> Lines)> Read(string file)
    {
        List<(string Name, List<string> Lines)> cases = [];
        foreach (string line in File.ReadLines(file))
        {
            if (line.StartsWith("case ", StringComparison.Ordinal)) cases.Add((line[5..], []));
            else if (line.Length > 0 && line[0] != '#') cases[^1].Lines.Add(line);
        }

        return cases;
    }

    private static (string Word, string Arguments) Word(string line)
    {
        int space = line.IndexOf(' ', StringComparison.Ordinal);
        return space < 0 ? (line, "") : (line[..space], line[(space + 1)..]);
    }

    private static uint Number(string text) => uint.Parse(text, CultureInfo.InvariantCulture);

    [GeneratedRegex("'[^']*'|[^ ']+")]
    private static partial Regex Quoted();

    [GeneratedRegex(@"(recirc\(|recirc_id=)(0x[0-9a-f]+|[1-9][0-9]*)")]
    private static partial Regex RecircId();

    [GeneratedRegex(@"^(Datapath actions: )([0-9,]+)$", RegexOptions.Multiline)]
    private static partial Regex Outputs();
}
