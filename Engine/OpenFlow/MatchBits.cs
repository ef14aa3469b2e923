using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>Adds ranges of bits to a match with the side effects of the fields they are in (OVS <c>mf_write_subfield</c>, <c>mf_set</c>).</summary>
internal static class MatchBits
{
    private const ushort Vid = 0x0fff;
    private const ushort Pcp = 0xe000;

    /// <summary>The bits of a range, right-aligned in its field.</summary>
    public static UInt128 Of(Subfield range) => (range.BitCount == 128 ? UInt128.MaxValue : (UInt128.One << range.BitCount) - 1) << range.Start;

    /// <summary>The match wants <paramref name="value"/> in the range, besides what it wants already.</summary>
    public static void Add(ref Match match, Subfield range, UInt128 value)
    {
        Field field = range.Field;
        UInt128 bits = Of(range);
        UInt128 placed = (value << range.Start) & bits;
        switch (field.Id)
        {
            case FieldId.InPortOxm:
                field.Set(ref match.Mask, uint.MaxValue);
                field.Set(ref match.Value, new BitRange(range).PortWith((uint)field.Get(ref match.Value), value));
                break;
            case FieldId.InPort:
                Field wide = Fields.Of(FieldId.InPortOxm);
                wide.Set(ref match.Mask, uint.MaxValue);
                wide.Set(ref match.Value, (wide.Get(ref match.Value) & ~bits) | placed);
                break;
            case FieldId.Icmpv4Type or FieldId.Icmpv6Type:
                AddWide(ref match, Fields.Of(FieldId.TcpSrc), placed);
                break;
            case FieldId.Icmpv4Code or FieldId.Icmpv6Code:
                AddWide(ref match, Fields.Of(FieldId.TcpDst), placed);
                break;
            case FieldId.VlanVid:
                AddTci(ref match, (ushort)placed, (ushort)bits & Vid);
                break;
            case FieldId.VlanPcp:
                AddTci(ref match, (ushort)((ushort)(placed << 13) | KeyMasks.VlanPresent), ((ushort)(bits << 13) & Pcp) | KeyMasks.VlanPresent);
                break;
            default:
                field.Set(ref match.Value, (field.Get(ref match.Value) & ~bits) | placed);
                field.Set(ref match.Mask, field.Get(ref match.Mask) | bits);
                break;
        }
    }

    /// <summary>ICMP type and code have 16 bits in the flow key.</summary>
    private static void AddWide(ref Match match, Field field, UInt128 value)
    {
        field.Set(ref match.Value, value);
        field.Set(ref match.Mask, ushort.MaxValue);
    }

    private static void AddTci(ref Match match, ushort value, int mask)
    {
        ref FlowKey v = ref match.Value.Key, m = ref match.Mask.Key;
        v.Vlan0Tci = Be16.FromHost((ushort)((v.Vlan0Tci.Host & ~mask) | (value & mask)));
        m.Vlan0Tci = Be16.FromHost((ushort)(m.Vlan0Tci.Host | mask));
    }
}
