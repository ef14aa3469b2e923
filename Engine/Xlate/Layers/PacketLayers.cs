using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Xlate;

/// <summary>
/// What a packet begins with, in the flow and in the datapath, and which header has yet to come or go (OVS <c>packet_type</c>, <c>pending_encap</c>, <c>pending_decap</c>). A type is
/// a namespace in the upper half and a number in the lower one. Packets come in as Ethernet, and what is put aside says what it continues with: no key has a type.
/// </summary>
internal struct PacketLayers
{
    /// <summary>An Ethernet header.</summary>
    public const uint Ethernet = 0;

    /// <summary>What rules see.</summary>
    public uint Type;

    /// <summary>What the datapath's packet begins with.</summary>
    public uint BaseType;

    /// <summary>The outermost header of the flow is not in the packet yet.</summary>
    public bool IsEncapPending;

    /// <summary>The outermost header of the packet is not in the flow any more.</summary>
    public bool IsDecapPending;

    /// <summary>Headers that actions have put on or taken off.</summary>
    public int Changes;

    /// <summary>What Open vSwitch takes the datapath's packet for: labels in front of an Ethernet header are none (<c>base_flow.packet_type</c>). Only told.</summary>
    public uint ToldType;

    /// <summary>The packet had no Ethernet header when it came to the tables.</summary>
    public bool BeganBare;

    /// <summary>Nothing but Ethernet is concerned.</summary>
    public readonly bool ArePlain => (Type | BaseType) == Ethernet;

    /// <summary>No header has to come or go.</summary>
    public readonly bool AreSettled => Type == BaseType && !IsEncapPending && !IsDecapPending;

    /// <summary>The type of what has an Ethernet type and no Ethernet header.</summary>
    public static uint Of(ushort etherType) => 0x1_0000u | etherType;

    /// <summary>What follows has an Ethernet type and no Ethernet header.</summary>
    public static bool IsBare(uint type) => type >> 16 == 1;

    /// <summary>A label stack entry comes first.</summary>
    public static bool IsMpls(uint type) => IsBare(type) && (ushort)type is EthType.Mpls or EthType.MplsMcast;
}
