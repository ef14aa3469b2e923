using System.Globalization;
using System.Text;
using Mergeflow.Control;
using Mergeflow.Control.Bridges;

namespace Mergeflow.Cli;

/// <summary>
/// Orders of <c>ovs-appctl</c> that choose between implementations of the same thing: <c>dpif-netdev/subtable-lookup-*</c>, <c>dpif-netdev/dpif-impl-*</c>. Here the processor decides that when the program starts, so they are answered as by an Open vSwitch without AVX-512, and change nothing.
/// </summary>
internal sealed class ImplementationCommands(Vswitchd vswitchd, Vlog log)
{
    private const string Scalar = "dpif_scalar";
    private const string Used = "generic";
    private const string Module = "dpif_netdev";

    /// <summary>By name, in the order in which they are shown.</summary>
    private readonly List<(string Name, byte Priority)> _lookups = [("autovalidator", 0), (Used, 1)];

    public void AddTo(UnixctlCommands commands)
    {
        commands.Add("dpif-netdev/subtable-lookup-prio-set", "[lookup_func] [prio]", 2, 2, words => vswitchd.Locked(() => SetPriority(words[0], words[1])));
        commands.Add("dpif-netdev/subtable-lookup-info-get", "", 0, 0, _ => vswitchd.Locked(ShowPriorities));
        commands.Add("dpif-netdev/subtable-lookup-prio-get", "", 0, 0, _ => vswitchd.Locked(ShowPriorities));
        commands.Add("dpif-netdev/dpif-impl-set", "dpif_implementation_name", 1, 1, words => SetImplementation(words[0]));
        commands.Add("dpif-netdev/dpif-impl-get", "", 0, 0, _ => vswitchd.Locked(ShowImplementations));
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
