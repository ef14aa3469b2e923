using System.Runtime.InteropServices;
using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Upcall;

/// <summary>
/// Bounds the number of subtables. A few rules with prefixes and ports allow thousands of different masks, and packets that are made for it bring
/// them all to life ("tuple space explosion", Csikor et al., CoNEXT 2019): every search then tries thousands of subtables. Once there are as many
/// as allowed, a megaflow with a new mask gets addresses and ports whole instead of prefixes of them. It fits fewer packets, which is always right,
/// and its mask is one of the few that the rules' fields can make.
/// </summary>
public static class SubtableGuard
{
    /// <summary>Makes every address and port that is matched in part a whole one. True if that changed the mask.</summary>
    public static bool Widen(ref FlowKey mask)
    {
        bool changed = false;
        Whole(ref mask.NwSrc, ref changed);
        Whole(ref mask.NwDst, ref changed);
        Whole(ref mask.TpSrc, ref changed);
        Whole(ref mask.TpDst, ref changed);
        Whole(ref mask.Ipv6Src, ref changed);
        Whole(ref mask.Ipv6Dst, ref changed);
        Whole(ref mask.NdTarget, ref changed);
        Whole(ref mask.DlSrc, ref changed);
        Whole(ref mask.DlDst, ref changed);
        Whole(ref mask.TunSrc, ref changed);
        Whole(ref mask.TunDst, ref changed);
        Whole(ref mask.TunIpv6Src, ref changed);
        Whole(ref mask.TunIpv6Dst, ref changed);
        return changed;
    }

    private static void Whole<T>(ref T field, ref bool changed)
        where T : unmanaged
    {
        Span<byte> bytes = MemoryMarshal.AsBytes(MemoryMarshal.CreateSpan(ref field, 1));
        if (!bytes.ContainsAnyExcept((byte)0) || !bytes.ContainsAnyExcept((byte)0xff)) return;
        bytes.Fill(0xff);
        changed = true;
    }
}
