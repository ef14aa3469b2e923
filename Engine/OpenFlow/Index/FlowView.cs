using System.Runtime.CompilerServices;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>A translator's working flow as a lookup sees it, in words of a <see cref="PipelineFlow"/>.</summary>
/// <param name="flow">Current values.</param>
/// <param name="live">Bits that are still the packet's own; the others are known and cost nothing.</param>
/// <param name="consulted">Bits that matches and actions on the way have read: they are the same for every packet that takes this way.</param>
/// <param name="excluded">Bits that were read only to rule out other rules; which ones is a matter of choice.</param>
internal readonly unsafe struct FlowView(ulong* flow, ulong* live, ulong* consulted, ulong* excluded)
{
    public readonly ulong* Flow = flow;
    public readonly ulong* Live = live;
    public readonly ulong* Consulted = consulted;
    public readonly ulong* Excluded = excluded;

    /// <summary>The bits of a word whose value is certain for every packet of the megaflow to be.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Known(int word) => ~Live[word] | Consulted[word] | Excluded[word];
}
