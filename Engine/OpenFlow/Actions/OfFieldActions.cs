using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>
/// <c>set_field:V[/M]-&gt;F</c>, <c>load:V-&gt;F[a..b]</c> and every <c>mod_*</c>: writes the bits of <paramref name="Mask"/>
/// of <paramref name="Field"/> (both right-aligned in the field). <paramref name="Spelling"/> keeps the text form for printing.
/// <c>mod_vlan_vid</c>/<c>mod_vlan_pcp</c> push a tag when there is none: <paramref name="PushVlanIfNeeded"/>.
/// </summary>
public sealed record OfSetField(Field Field, UInt128 Value, UInt128 Mask, OfSetSpelling Spelling, bool PushVlanIfNeeded = false) : OfAction
{
    /// <summary>The mask was said, though it is all of a field that does not fill its bytes: as of a <c>load</c> over OpenFlow 1.5.</summary>
    public bool IsMasked { get; init; }
}

/// <summary>Which keyword a field write was written with; the meaning is the same.</summary>
public enum OfSetSpelling : byte
{
    SetField,
    Load,
    Mod,
}

/// <summary><c>move:SRC[a..b]-&gt;DST[c..d]</c>; both ranges have the same width.</summary>
public sealed record OfMove(Subfield Source, Subfield Destination) : OfAction;

/// <summary><c>push:FIELD[..]</c>.</summary>
public sealed record OfStackPush(Subfield Source) : OfAction;

/// <summary><c>pop:FIELD[..]</c>.</summary>
public sealed record OfStackPop(Subfield Destination) : OfAction;

/// <summary><c>write_metadata:V[/M]</c>.</summary>
public sealed record OfWriteMetadata(ulong Value, ulong Mask) : OfAction;

/// <summary><c>set_tunnel:ID</c> / <c>set_tunnel64:ID</c>.</summary>
public sealed record OfSetTunnel(ulong TunnelId, bool Wide) : OfAction;

/// <summary><c>push_vlan:ETHERTYPE</c>.</summary>
public sealed record OfPushVlan(ushort Tpid) : OfAction;

/// <summary><c>pop_vlan</c> / <c>strip_vlan</c>.</summary>
public sealed record OfPopVlan : OfAction;

/// <summary><c>push_mpls:ETHERTYPE</c>.</summary>
public sealed record OfPushMpls(ushort EthType) : OfAction;

/// <summary><c>pop_mpls:ETHERTYPE</c>.</summary>
public sealed record OfPopMpls(ushort EthType) : OfAction;

/// <summary><c>set_mpls_ttl:N</c>.</summary>
public sealed record OfSetMplsTtl(byte Ttl) : OfAction;

/// <summary><c>dec_mpls_ttl</c>.</summary>
public sealed record OfDecMplsTtl : OfAction;

/// <summary><c>dec_ttl</c>, or <c>dec_ttl(ID,..)</c> with the controllers that are told of a packet whose time is over; null = the one with id 0.</summary>
public sealed record OfDecTtl(EquatableList<ushort>? ControllerIds = null) : OfAction;
