using System.Globalization;
using System.Text;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;

namespace Mergeflow.Cli;

/// <summary>
/// Orders of <c>ovs-appctl</c> that choose between implementations of the same thing: <c>dpif-netdev/subtable-lookup-*</c>, <c>dpif-netdev/dpif-impl-*</c>, <c>dpif-netdev/miniflow-parser-*</c>, <c>odp-execute/action-impl-*</c>. Here the processor decides that when the program starts, so they are answered as by an Open vSwitch without AVX-512, and change nothing.
/// </summary>
internal sealed class ImplementationCommands(Vswitchd vswitchd, Vlog log)
{
    private const string Scalar = "dpif_scalar";
    private const string Used = "generic";
    private const string Module = "dpif_netdev";

    /// <summary>By name, in the order in which they are shown.</summary>
    private readonly List<(string Name, byte Priority)> _lookups = [("autovalidator", 0), (Used, 1)];

    private static readonly string[] s_parsers = ["autovalidator", "scalar", "study"];

    private string _actions = "scalar";

    public void AddTo(UnixctlCommands commands)
    {
        AddOthers(commands);
        commands.Add("dpif-netdev/subtable-lookup-prio-set", "[lookup_func] [prio]", 2, 2, words => vswitchd.Locked(() => SetPriority(words[0], words[1])));
        commands.Add("dpif-netdev/subtable-lookup-info-get", "", 0, 0, _ => vswitchd.Locked(ShowPriorities));
        commands.Add("dpif-netdev/subtable-lookup-prio-get", "", 0, 0, _ => vswitchd.Locked(ShowPriorities));
        commands.Add("dpif-netdev/dpif-impl-set", "dpif_implementation_name", 1, 1, words => SetImplementation(words[0]));
        commands.Add("dpif-netdev/dpif-impl-get", "", 0, 0, _ => vswitchd.Locked(ShowImplementations));
    }

    /// <summary>How packets are parsed, and how actions are carried out (OVS <c>dpif-netdev-extract-study</c>, <c>odp-execute</c>).</summary>
    private void AddOthers(UnixctlCommands commands)
    {
        commands.Add("dpif-netdev/miniflow-parser-set", "[-pmd core] miniflow_implementation_name [study_pkt_cnt]", 1, 5, words => SetParser(words[^1]));
        commands.Add("dpif-netdev/miniflow-parser-get", "", 0, 0, _ => vswitchd.Locked(ShowParsers));
        commands.Add("odp-execute/action-impl-set", "name", 1, 1, words => SetActions(words[0]));
        commands.Add("odp-execute/action-impl-show", "", 0, 0, _ => $"Available Actions implementations:\n  scalar (available: Yes, active: {(_actions == "scalar" ? "Yes" : "No")})\n  autovalidator (available: Yes, active: {(_actions == "scalar" ? "No" : "Yes")})\n");
    }

    private string SetParser(string name)
        => s_parsers.Contains(name) ? Said($"Miniflow extract implementation set to {name}.") : throw new UnixctlException($"Error: unknown miniflow extract implementation {name}.");

    private string SetActions(string name)
    {
        if (name is not ("scalar" or "autovalidator")) throw new UnixctlException($"Error: unknown action implementation, {name}, specified!");
        _actions = name;
        return $"Action implementation set to {name}.\n";
    }

    private string ShowParsers()
    {
        StringBuilder text = new();
        foreach (SharedDatapath datapath in SharedDatapath.All(vswitchd, []))
        {
            string cores = string.Join(',', datapath.Live.Pmds.Threads.Select(static t => t.Cpu.Cpu.ToString(CultureInfo.InvariantCulture)));
            text.Append("Available MFEX implementations:\n");
            foreach (string name in s_parsers) text.Append(CultureInfo.InvariantCulture, $"  {name} (available: True pmds: {(name == "scalar" && cores.Length > 0 ? cores : "none")})\n");
        }

        return text.ToString();
    }

    private string SetPriority(string name, string text)
    {
        if (!byte.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out byte priority)) throw new UnixctlException("error converting priority, use integer in range 0-255");
        int at = _lookups.FindIndex(l => l.Name == name);
        if (at < 0) throw new UnixctlException("error, subtable lookup function not found");
        _lookups[at] = (name, priority);
        return Said("Lookup priority change affected 0 dpcls ports and 0 subtables.");
    }

    private string ShowPriorities()
    {
        int subtables = vswitchd.Datapaths.Sum(static d => d.Datapath.Pmds.Sum(static p => p.SubtableCount));
        StringBuilder text = new("Available dpcls implementations:\n");
        foreach ((string name, byte priority) in _lookups) text.Append(CultureInfo.InvariantCulture, $"  {name} (Use count: {(name == Used ? subtables : 0)}, Priority: {priority})\n");
        return text.ToString();
    }

    private string SetImplementation(string name)
    {
        if (name == Scalar) return Said($"DPIF implementation set to {name}.");
        string refusal = $"DPIF implementation not available: Unknown DPIF implementation {name}.";
        log.Write(Module, VlogLevel.Err, refusal);
        throw new UnixctlException(refusal);
    }

    private string ShowImplementations()
    {
        StringBuilder text = new();
        foreach (SharedDatapath datapath in SharedDatapath.All(vswitchd, []))
        {
            string cores = string.Join(',', datapath.Live.Pmds.Threads.Select(static t => t.Cpu.Cpu.ToString(CultureInfo.InvariantCulture)));
            text.Append(CultureInfo.InvariantCulture, $"Available DPIF implementations:\n  {Scalar} (pmds: {(cores.Length == 0 ? "none" : cores)})\n");
        }

        return text.ToString();
    }

    private string Said(string answer)
    {
        log.Write(Module, VlogLevel.Info, answer);
        return answer + "\n";
    }
}
