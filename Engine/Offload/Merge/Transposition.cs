using System.Runtime.Intrinsics;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// Emits the shortest program we know that takes the original header to each output's header: last writer wins, stores of what is
/// already known to be there are gone. An output that would destroy something that a later one needs works on a clone.
/// </summary>
internal sealed partial class Transposition
{
    /// <summary>What the packet looks like at one point of the emitted program.</summary>
    private struct Point
    {
        public FlowKey Known;
        public FlowKey Current;
        public VlanStack Vlan;
        public MplsStack Mpls;
    }

    private readonly List<DpAction> _program = [];
    private FlowKey _original;
    private FlowKey _pinned;

    /// <summary>The emitted program, until the next one.</summary>
    public ReadOnlySpan<DpAction> Program => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_program);

    /// <summary>Emits all outputs in order; false if a rewrite has no action. <paramref name="pushes"/>: what snapshots mean by their <see cref="SymbolicHeader.Push"/>.</summary>
    public bool TryEmit(ref FlowKey original, ref FlowKey pinned, ReadOnlySpan<OutputSnapshot> outputs, ReadOnlySpan<DpAction> pushes)
    {
        _program.Clear();
        _original = original;
        _pinned = pinned;
        Point now = default;
        now.Known = pinned;
        now.Current = original;
        for (int i = 0; i < outputs.Length; i++)
        {
            Describe(in outputs[i].Header, out Point target);
            if (ReachesAll(ref target, outputs[(i + 1)..]))
            {
                if (!Emit(ref now, ref target)) return false;
                now = target;
                AddOutput(in outputs[i], pushes, isLast: i == outputs.Length - 1);
                continue;
            }

            int clone = _program.Count;
            _program.Add(default);
            if (!Emit(ref now, ref target)) return false;
            AddOutput(in outputs[i], pushes, isLast: true);
            _program[clone] = new DpAction { Op = DpOp.Clone, NestedCount = _program.Count - clone - 1 };
        }

        return true;
    }

    /// <summary>An encapsulation is put in front of a copy, unless nothing follows.</summary>
    private void AddOutput(in OutputSnapshot output, ReadOnlySpan<DpAction> pushes, bool isLast)
    {
        if (output.Header.Push != 0)
        {
            if (!isLast) _program.Add(new DpAction { Op = DpOp.Clone, NestedCount = 2 });
            _program.Add(pushes[output.Header.Push - 1]);
        }

        _program.Add(new DpAction { Op = DpOp.Output, Port = output.Port });
    }

    private void Describe(in SymbolicHeader h, out Point p)
    {
        p = new Point { Known = h.Constant, Current = h.Current, Vlan = h.Vlan, Mpls = h.Mpls };
        KeyBits.OrInto(ref p.Known, ref _pinned);
    }

    private bool ReachesAll(ref Point from, ReadOnlySpan<OutputSnapshot> later)
    {
        for (int i = 0; i < later.Length; i++)
        {
            Describe(in later[i].Header, out Point to);
            if (!Reaches(ref from, ref to)) return false;
        }

        return true;
    }

    private static bool Reaches(ref Point from, ref Point to)
    {
        FlowKey lost = default;
        KeyBits.AndNot(ref from.Known, ref to.Known, ref lost);
        KeyBits.AndNot(ref lost, ref KeyMasks.Stacks, ref lost);
        if (!KeyBits.IsZero(ref lost)) return false;
        if (!from.Vlan.Reaches(in to.Vlan) || !from.Mpls.Reaches(in to.Mpls)) return false;
        if (from.Mpls.Pops + from.Mpls.Pushes == 0) return true;
        Writes(ref from, ref to, out FlowKey writes);
        return !KeyBits.Intersects(ref writes, ref KeyMasks.Network);
    }

    /// <summary>Bits that must be stored: known at the target, and not known to be there already.</summary>
    private static void Writes(ref Point from, ref Point to, out FlowKey writes)
    {
        writes = default;
        for (int i = 0; i < FlowKey.LaneCount; i++)
        {
            Vector256<byte> differs = FlowKey.Lane(ref from.Current, i) ^ FlowKey.Lane(ref to.Current, i);
            FlowKey.Lane(ref writes, i) = FlowKey.Lane(ref to.Known, i) & (~FlowKey.Lane(ref from.Known, i) | differs);
        }

        KeyBits.AndNot(ref writes, ref KeyMasks.Metadata, ref writes);
        KeyBits.AndNot(ref writes, ref KeyMasks.Stacks, ref writes);
        writes.DlType = default;
        writes.InPort = default;
    }

    private bool Emit(ref Point from, ref Point to)
    {
        Writes(ref from, ref to, out FlowKey writes);
        if (!EmitFields(ref to, ref writes)) return false;
        EmitTags(ref from.Vlan, ref to.Vlan);
        EmitLabels(ref from.Mpls, ref to.Mpls);
        return true;
    }
}
