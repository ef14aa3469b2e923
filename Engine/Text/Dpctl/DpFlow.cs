using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Text;

/// <summary>One datapath flow of a dump.</summary>
public sealed class DpFlow
{
    /// <summary>Line of the dump, from 1.</summary>
    public required int Line { get; init; }

    /// <summary>key &amp; mask.</summary>
    public FlowKey Value;

    /// <summary>Consulted bits.</summary>
    public FlowKey Mask;

    /// <summary>What the flow does; an action that no merged rule can hold stands with its opcode alone.</summary>
    public DpAction[] Actions { get; internal set; } = [];

    /// <summary>Packets so far.</summary>
    public ulong Packets { get; internal set; }

    /// <summary>The first action that no packet thread here executes, e.g. <c>lb_output</c>: it stands as <see cref="DpOp.Userspace"/>; null = there is none.</summary>
    public string? ForeignAction { get; internal set; }

    /// <summary>The packet's priority, which no key has.</summary>
    public uint SkbPriority { get; internal set; }

    /// <summary>Geneve options of the packet outside, of 4 or 8 bytes, with what is in them.</summary>
    public List<(GeneveOption Option, ulong Data)> Options { get; } = [];

    /// <summary>The number of <c>in_port</c> stands for a name and is provisional.</summary>
    internal bool IsPortNamed { get; set; }

    /// <summary>Outputs, by index in <see cref="Actions"/>, whose port numbers stand for names and are provisional.</summary>
    internal List<int> NamedOutputs { get; } = [];

    /// <summary>A matched attribute that a flow key cannot hold, e.g. <c>tunnel</c>; null = there is none.</summary>
    public string? ForeignMatch { get; internal set; }
}
