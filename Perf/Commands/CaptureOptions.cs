using System.CommandLine;
using System.Globalization;
using Mergeflow.Cli;

namespace Mergeflow.Perf;

/// <summary>Options that replay a capture.</summary>
internal sealed class CaptureOptions
{
    private const int MaxPorts = 65_279;

    private readonly Option<string?> _pcap = new("--pcap") { HelpName = "FILE", Description = "Loop a pcap or pcapng file through the datapath, in every offload mode." };
    private readonly Option<string?> _flows = new("--flows") { HelpName = "FILE", Description = "Rules for --pcap, as ovs-ofctl add-flows takes them. Default: a stateful firewall." };
    private readonly Option<string?> _groups = new("--groups") { HelpName = "FILE", Description = "Groups for --pcap, as ovs-ofctl add-groups takes them." };
    private readonly Option<string?> _port = new("--port") { HelpName = "N|auto", Description = "Port on which frames arrive; auto: each interface of a pcapng file is a port, else who spoke first is behind port 1, the other behind port 2. Default: auto." };
    private readonly NumberOption<int> _ports = new("--ports") { HelpName = "N", Description = "Ports 1..N exist.", DefaultValueFactory = _ => 4 };
    private readonly Option<bool> _fixChecksums = new("--fix-checksums") { Description = "Correct wrong checksums of --pcap first, as the sender's NIC would have." };
    private readonly Option<bool> _printFlows = new("--print-flows") { Description = "Print the default rules." };

    /// <summary>Adds the options to a command.</summary>
    public void AddTo(Command command)
    {
        foreach (Option option in new Option[] { _pcap, _flows, _groups, _port, _ports, _fixChecksums, _printFlows }) command.Options.Add(option);
    }

    /// <summary>Prints the default rules if asked to.</summary>
    public bool PrintFlows(ParseResult parsed, TextWriter output)
    {
        if (parsed.GetValue(_printFlows)) output.Write(DefaultFlows.Text);
        return parsed.GetValue(_printFlows);
    }

    /// <summary>What to replay, or null without <c>--pcap</c>.</summary>
    /// <exception cref="PerfException">Options that make no sense.</exception>
    public CaptureRun? Resolve(ParseResult parsed)
    {
        string? pcap = parsed.GetValue(_pcap);
        string? flows = parsed.GetValue(_flows);
        if (pcap is null)
        {
            Option[] ofCaptures = [_flows, _groups, _port, _ports, _fixChecksums];
            if (ofCaptures.FirstOrDefault(o => parsed.GetResult(o) is { Implicit: false }) is { } lost) throw PerfException.Usage($"{lost.Name} needs --pcap");
            return null;
        }

        if (flows is null && parsed.GetValue(_groups) is not null) throw PerfException.Usage("--groups needs --flows: the default rules have no groups");
        int ports = parsed.GetValue(_ports);
        if (ports is < 1 or > MaxPorts) throw PerfException.Usage($"--ports: expected 1 to {MaxPorts}");
        return new CaptureRun(pcap)
        {
            FlowsPath = flows,
            GroupsPath = parsed.GetValue(_groups),
            InPort = Port(parsed.GetValue(_port) ?? "auto", ports),
            PortCount = ports,
            FixChecksums = parsed.GetValue(_fixChecksums),
        };
    }

    private static uint? Port(string text, int ports)
    {
        if (text == "auto") return null;
        if (uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out uint n) && n >= 1 && n <= ports) return n;
        throw PerfException.Usage($"--port: '{text}' is neither auto nor a port from 1 to {ports} (see --ports)");
    }
}
