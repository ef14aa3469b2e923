using System.Globalization;
using Mergeflow.Engine.Runtime;
using Mergeflow.Native;

namespace Mergeflow.Control.Bridges;

/// <summary>Processors and the memory nodes that they are at (OVS <c>lib/ovs-numa.c</c>).</summary>
public sealed class NumaTopology
{
    private const int MaxNodes = 128;
    private const string NodesFolder = "/sys/devices/system/node";

    private NumaTopology(IEnumerable<PmdCpu> cpus, bool isDummy) => (Cpus, IsDummy) = ([.. cpus.OrderBy(static c => c.Cpu)], isDummy);

    /// <summary>Processors, by number.</summary>
    public IReadOnlyList<PmdCpu> Cpus { get; }

    /// <summary>They are only said to be there: no thread is bound to one.</summary>
    public bool IsDummy { get; }

    /// <summary>Those of this machine that the process may use; all at node 0 where the system knows no nodes.</summary>
    public static NumaTopology OfSystem()
    {
        int[] allowed = PacketCpus.OfProcess is { Length: > 0 } known ? known : [.. Enumerable.Range(0, Environment.ProcessorCount)];
        Dictionary<int, int> nodeOf = [];
        if (Directory.Exists(NodesFolder))
        {
            foreach (string folder in Directory.GetDirectories(NodesFolder, "node*"))
            {
                if (!int.TryParse(Path.GetFileName(folder).AsSpan("node".Length), NumberStyles.None, CultureInfo.InvariantCulture, out int node)) continue;
                foreach (string entry in Directory.GetFileSystemEntries(folder, "cpu*"))
                {
                    if (int.TryParse(Path.GetFileName(entry).AsSpan("cpu".Length), NumberStyles.None, CultureInfo.InvariantCulture, out int cpu)) nodeOf[cpu] = node;
                }
            }
        }

        return new NumaTopology(allowed.Select(c => new PmdCpu(c, nodeOf.GetValueOrDefault(c))), isDummy: false);
    }

    /// <summary>As it is said to be, for tests: the node of each processor, with commas between them (<c>--dummy-numa</c>). What is no node is said and left out.</summary>
    public static NumaTopology OfDummy(string nodes, Action<string> warn)
    {
        List<PmdCpu> cpus = [];
        foreach (string text in nodes.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int node) && node < MaxNodes) cpus.Add(new PmdCpu(cpus.Count, node));
            else warn($"Invalid numa node {text}");
        }

        return new NumaTopology(cpus, isDummy: true);
    }

    /// <summary>How many of some processors are at each node, by number.</summary>
    public static IEnumerable<(int Node, int Count)> CountByNode(IEnumerable<PmdCpu> cpus) => cpus.GroupBy(static c => c.Node).OrderBy(static g => g.Key).Select(static g => (g.Key, g.Count()));

    /// <summary>The lines that say what there is.</summary>
    public IEnumerable<string> Lines()
    {
        (int Node, int Count)[] nodes = [.. CountByNode(Cpus)];
        foreach ((int node, int count) in nodes) yield return string.Create(CultureInfo.InvariantCulture, $"Discovered {count} CPU cores on NUMA node {node}");
        yield return string.Create(CultureInfo.InvariantCulture, $"Discovered {nodes.Length} NUMA nodes and {Cpus.Count} CPU cores");
    }

    /// <summary>The first processor of each node.</summary>
    public IEnumerable<PmdCpu> OneOfEachNode() => Cpus.GroupBy(static c => c.Node).Select(static g => g.First());

    /// <summary>Those of a mask that there are.</summary>
    public IEnumerable<PmdCpu> Of(CpuMask mask) => Cpus.Where(c => mask.Contains(c.Cpu));
}
