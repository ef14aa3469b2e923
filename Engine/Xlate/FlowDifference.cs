using System.Runtime.CompilerServices;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary>What set actions have to write so that the datapath's packet agrees with the flow, field by field (OVS <c>commit</c> in lib/odp-util.c).</summary>
internal sealed unsafe class FlowDifference(XlateFlow flow)
{
    private readonly XlateFlow _flow = flow;

    /// <summary>The packet has gone through a <c>ct(nat)</c>: its addresses and ports may be others than the flow shows.</summary>
    public bool IsTranslated { get; set; }

    /// <summary>Whoever writes a field writes all that the mask has of it, also what stays as it is (OVS <c>commit</c> takes the mask as that of the set action).</summary>
    public bool WritesWhatIsRead { get; set; }

    /// <summary>
    /// The bits of a field (an 8-byte window in memory order) that a set action must write so that the packet agrees with the flow, 0 = none;
    /// the base then agrees. If any bit must be written, all constant bits of the field are.
    /// </summary>
    public ulong Settle(int offset, ulong field) => Need(offset, field) == 0 ? 0 : Take(offset, field);

    /// <summary>The same for the two halves of an IPv6 address. A translated one has to be written whole, and where what is read is written they are one field.</summary>
    public (ulong High, ulong Low) SettleWide(int offset)
    {
        ulong high = Need(offset, ulong.MaxValue), low = Need(offset + 8, ulong.MaxValue);
        bool both = (IsTranslated || WritesWhatIsRead) && (high | low) != 0;
        return (high != 0 || both ? Take(offset, ulong.MaxValue) : 0, low != 0 || both ? Take(offset + 8, ulong.MaxValue) : 0);
    }

    /// <summary>The bits of a field that differ between packet and flow, or may; 0 = none.</summary>
    public ulong Need(int offset, ulong field)
    {
        ulong live = Unsafe.ReadUnaligned<ulong>(_flow.Live + offset);
        ulong baseLive = Unsafe.ReadUnaligned<ulong>(_flow.BaseLive + offset);
        if ((live & baseLive & field) == field) return 0;
        ulong flow = Unsafe.ReadUnaligned<ulong>(_flow.Current + offset);
        ulong have = Unsafe.ReadUnaligned<ulong>(_flow.Base + offset);
        ulong original = Unsafe.ReadUnaligned<ulong>(_flow.Original + offset);

        // Restoring an original bit that was overwritten needs its value.
        ulong restore = live & ~baseLive & field;
        ulong asked = IsTranslated && IsAddressOrPort(offset) ? restore | (~live & baseLive & field) : restore;
        ulong consulted = Unsafe.ReadUnaligned<ulong>(_flow.Consulted + offset) | asked;
        if (asked != 0) Unsafe.WriteUnaligned(_flow.Consulted + offset, consulted);
        ulong written = ~live & baseLive & (~consulted | (original ^ flow));
        ulong changed = ~live & ~baseLive & (flow ^ have);
        return ((written | changed) & field) | (restore & (original ^ have));
    }

    /// <summary>Makes the base agree with the flow in a field; the bits that a set action has to write.</summary>
    public ulong Take(int offset, ulong field)
    {
        ulong live = Unsafe.ReadUnaligned<ulong>(_flow.Live + offset);
        ulong baseLive = Unsafe.ReadUnaligned<ulong>(_flow.BaseLive + offset);
        ulong all = (~live & field) | (live & ~baseLive & field);
        if (WritesWhatIsRead) all |= (Unsafe.ReadUnaligned<ulong>(_flow.Consulted + offset) | Unsafe.ReadUnaligned<ulong>(_flow.Excluded + offset)) & field;
        ulong have = Unsafe.ReadUnaligned<ulong>(_flow.Base + offset);
        Unsafe.WriteUnaligned(_flow.Base + offset, (have & ~all) | (Unsafe.ReadUnaligned<ulong>(_flow.Current + offset) & all));
        Unsafe.WriteUnaligned(_flow.BaseLive + offset, (baseLive & ~all) | (live & all));
        return all;
    }

    /// <summary>
    /// Behind a ct(nat) the packet may have another address or port than the flow shows. To write the value that the flow had already writes nothing
    /// in Open vSwitch, and the translation stays; so it matters whether it had.
    /// </summary>
    private static bool IsAddressOrPort(int offset) => offset is L.NwSrc or L.NwDst or L.TpSrc or L.TpDst or (>= L.Ipv6Src and < L.CtLabel);
}
