using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>An <see cref="OfAction"/> made ready for translation: fields resolved to bytes, nested lists compiled.</summary>
internal sealed class XlateOp : IEquatable<XlateOp>
{
    private int _hash;

    public required XlateOpKind Kind { get; init; }

    /// <summary>The action it came from; null for <see cref="XlateOpKind.Unroll"/>.</summary>
    public OfAction? Action { get; init; }

    /// <summary>The action as an explanation tells it.</summary>
    public OfAction? Told => Kind == XlateOpKind.Unroll ? new OfUnroll((byte)Arg, Cookie) : Action;

    /// <summary>Port, group, table, meter, ethertype or length.</summary>
    public uint Arg { get; init; }

    /// <summary>Truncation or controller length; resubmit: 1 + in_port, 0 = keep.</summary>
    public uint Arg2 { get; init; }

    /// <summary>What the packet must have for a write to happen.</summary>
    public FieldPrereq Prereq { get; init; }

    /// <summary>Move: what the source needs.</summary>
    public FieldPrereq SourcePrereq { get; init; }

    /// <summary>The write of a constant; for Move and StackPop the destination's bits.</summary>
    public FieldPatch Patch { get; init; }

    /// <summary>The source's bits.</summary>
    public FieldPatch SourcePatch { get; init; }

    public BitRange Source { get; init; }

    public BitRange Destination { get; init; }

    /// <summary>The destination lies in the outer VLAN's TCI: written with <see cref="VlanShift"/>.</summary>
    public bool ToVlan { get; init; }

    /// <summary>SetVlan: TCI bits, host order. Move and StackPop to a VLAN field: the bits of the destination.</summary>
    public ushort VlanMask { get; init; }

    public ushort VlanValue { get; init; }

    /// <summary>Position of the destination's bit 0 in the TCI.</summary>
    public byte VlanShift { get; init; }

    /// <summary>The write makes a tag if there is none.</summary>
    public bool VlanPushes { get; init; }

    /// <summary>The destination is a Geneve option: writing makes it be there.</summary>
    public bool MakesOption { get; init; }

    /// <summary>Open vSwitch reads the IP protocol when it does this (<c>mf_set_mask_l3_prereqs</c>).</summary>
    public bool ReadsProtocol { get; init; }

    /// <summary>The destination is pkt_mark, a header field or a tunnel field: commit has to look at it.</summary>
    public bool Visible { get; init; }

    /// <summary>Clone, WriteActions, Ct (exec).</summary>
    public XlateOp[] Nested { get; init; } = [];

    /// <summary>Learn: where the rule's bits come from.</summary>
    public LearnProgram? Learns { get; init; }

    /// <summary>It, or an action in it, is <c>normal</c> or <c>learn</c>: packets change what later ones get.</summary>
    public bool LearnsFromPackets => (Kind == XlateOpKind.Output && Arg == (uint)OfReservedPort.Normal) || Learns is not null || Array.Exists(Nested, static n => n.LearnsFromPackets);

    /// <summary>Clone: all nested actions can be undone by rewriting headers.</summary>
    public bool Reversible { get; init; }

    /// <summary>Recirculation after pop_mpls is not needed in front of this action.</summary>
    public bool MplsTransparent { get; init; }

    /// <summary>Frozen lists need <see cref="XlateOpKind.Unroll"/> before it.</summary>
    public bool NeedsTable { get; init; }

    /// <summary>Unroll: the cookie of the rule that the list is of, which messages to controllers carry.</summary>
    public ulong Cookie { get; init; }

    /// <summary>The action that brings a frozen list back to a table and a rule.</summary>
    public static XlateOp UnrollTo(byte table, ulong cookie) => new() { Kind = XlateOpKind.Unroll, Arg = table, Cookie = cookie, MplsTransparent = true };

    public bool Equals(XlateOp? other)
        => ReferenceEquals(this, other)
        || (other is not null && Kind == other.Kind && Arg == other.Arg && Arg2 == other.Arg2 && Cookie == other.Cookie && Equals(Action, other.Action));

    public override bool Equals(object? obj) => Equals(obj as XlateOp);

    public override int GetHashCode() => _hash != 0 ? _hash : _hash = HashCode.Combine(Kind, Arg, Arg2, Cookie, Action) | 1;
}
