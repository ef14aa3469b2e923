using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>One OpenFlow action or instruction, as parsed from ovs-ofctl text (OVS <c>struct ofpact</c>).</summary>
public abstract record OfAction;

/// <summary><c>output:N</c>; <paramref name="MaxLengthBytes"/> &gt; 0 for <c>output(port=N,max_len=B)</c>.</summary>
public sealed record OfOutput(uint Port, int MaxLengthBytes = 0) : OfAction;

/// <summary>Reserved output ports: <c>in_port</c>, <c>normal</c>, <c>flood</c>, <c>all</c>, <c>controller</c>, <c>local</c>, <c>table</c>.</summary>
public sealed record OfOutputSpecial(OfReservedPort Port, int MaxLengthBytes = 0) : OfAction;

/// <summary><c>output:NXM_NX_REG0[..]</c>; <paramref name="MaxLengthBytes"/> says how much a controller gets.</summary>
public sealed record OfOutputReg(Subfield Source, ushort MaxLengthBytes = ushort.MaxValue) : OfAction;

/// <summary>
/// <c>controller(..)</c> with a reason, a controller id or user data (OVS <c>OFPACT_CONTROLLER</c>): unlike <c>output:controller</c> it may not stand
/// in an action set, and a packet that has lost its MPLS labels recirculates before it.
/// </summary>
/// <param name="MaxLengthBytes">Bytes of the packet that are sent.</param>
/// <param name="Reason">As in <c>ovs-ofctl</c>: <c>action</c>, <c>no_match</c>, ...</param>
/// <param name="Id">Which controllers get it.</param>
/// <param name="UserData">Pairs of hexadecimal digits with dots between them; empty = none.</param>
/// <param name="Pause">The packet stops here until a controller lets it go on.</param>
/// <param name="MeterId">The meter that bounds what is sent; null = none.</param>
public sealed record OfController(ushort MaxLengthBytes, string Reason, ushort Id, string UserData, bool Pause = false, uint? MeterId = null) : OfAction
{
    /// <summary>In a message: no meter (<c>NX_CTLR_NO_METER</c>).</summary>
    public const uint NoMeter = uint.MaxValue;
}

/// <summary><c>group:N</c>.</summary>
public sealed record OfGroup(uint GroupId) : OfAction;

/// <summary><c>drop</c>: an empty action list that was written out.</summary>
public sealed record OfDrop : OfAction;

/// <summary><c>resubmit([port],[table][,ct])</c>; null keeps the current port or table.</summary>
public sealed record OfResubmit(uint? InPort, byte? Table, bool WithCtTuple = false) : OfAction;

/// <summary><c>goto_table:N</c>.</summary>
public sealed record OfGotoTable(byte Table) : OfAction;

/// <summary><c>meter:N</c>.</summary>
public sealed record OfMeter(uint MeterId) : OfAction;

/// <summary><c>conjunction(id, k/n)</c>; <paramref name="Clause"/> counts from 0.</summary>
public sealed record OfConjunction(uint Id, byte Clause, byte ClauseCount) : OfAction;

/// <summary><c>write_actions(..)</c>.</summary>
public sealed record OfWriteActions(EquatableList<OfAction> Actions) : OfAction;

/// <summary><c>clear_actions</c>.</summary>
public sealed record OfClearActions : OfAction;

/// <summary><c>clone(..)</c>: the inner actions work on a copy.</summary>
public sealed record OfClone(EquatableList<OfAction> Actions) : OfAction;

/// <summary><c>check_pkt_larger(bytes)-&gt;bit</c>.</summary>
public sealed record OfCheckPktLarger(ushort LengthBytes, Subfield Destination) : OfAction;

/// <summary>What stands in a frozen list in front of actions of another table or rule (OVS <c>OFPACT_UNROLL_XLATE</c>): for explanations only.</summary>
internal sealed record OfUnroll(byte Table, ulong Cookie) : OfAction;

/// <summary><c>note:hex</c>: no effect.</summary>
public sealed record OfNote(string Hex) : OfAction;
