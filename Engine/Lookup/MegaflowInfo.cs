using System.Security.Cryptography;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Native;

namespace Mergeflow.Engine.Lookup;

/// <summary>A megaflow as a dump shows it, settled and copied: software packets plus what hardware credited (OVS <c>struct dpif_flow</c>).</summary>
/// <param name="Id">Its name in the datapath, see <see cref="MegaflowId"/>.</param>
/// <param name="Ufid">Unique flow id.</param>
/// <param name="Key">Whole key of the packet that caused it.</param>
/// <param name="LengthBytes">Length of that packet.</param>
/// <param name="Mask">Bits of the key that matter.</param>
/// <param name="Packets">Packets.</param>
/// <param name="Bytes">Bytes.</param>
/// <param name="IdleMs">Time since the last packet; null = never used.</param>
/// <param name="TcpFlags">All TCP flags seen.</param>
/// <param name="Actions">The program.</param>
/// <param name="Cookies">Cookies of the OpenFlow rules that it carries, one per visit.</param>
public sealed record MegaflowInfo(
    int Id,
    Guid Ufid,
    FlowKey Key,
    int LengthBytes,
    FlowKey Mask,
    ulong Packets,
    ulong Bytes,
    long? IdleMs,
    ushort TcpFlags,
    DpAction[] Actions,
    IReadOnlyList<ulong> Cookies)
{
    /// <summary>Those of its table that were made before have lower ones.</summary>
    public long Order { get; init; }

    /// <summary>See <see cref="Megaflow.IsGiven"/>.</summary>
    public bool IsGiven { get; init; }

    /// <summary>With <see cref="Id"/> it names the megaflow for as long as it lives.</summary>
    public uint Generation { get; init; }

    /// <summary>See <see cref="Megaflow.IsSlowByOrder"/>.</summary>
    public bool IsSlowByOrder { get; init; }

    /// <summary>Copies the living megaflows of the table of packet thread <paramref name="pmd"/>. Call it on that thread.</summary>
    public static IReadOnlyList<MegaflowInfo> Snapshot(MegaflowTable table, long nowMs, int pmd = 0)
    {
        List<MegaflowInfo> infos = [];
        Snapshot(table, nowMs, pmd, 0, int.MaxValue, infos);
        return infos;
    }

    /// <summary>A part of it: <paramref name="count"/> slots from <paramref name="from"/> on. Returns where the next part begins, 0 = there is none.</summary>
    public static int Snapshot(MegaflowTable table, long nowMs, int pmd, int from, int count, List<MegaflowInfo> into)
    {
        int high = table.HighWater, end = (int)Math.Min((long)from + count, high);
        for (int id = from; id < end; id++)
        {
            if (table[id] is { } m && !table.IsPurged(m)) into.Add(Of(table, m, nowMs, pmd));
        }

        return end < high ? end : 0;
    }

    /// <summary>Copies one megaflow; null if it is gone, or not what it was in <paramref name="generation"/>. Call it on the table's thread.</summary>
    public static MegaflowInfo? Find(MegaflowTable table, int slot, uint generation, long nowMs, int pmd)
        => table.IsCurrent(slot, generation) && table.Find(slot) is { } m && !table.IsPurged(m) ? Of(table, m, nowMs, pmd) : null;

    private static unsafe MegaflowInfo Of(MegaflowTable table, Megaflow m, long nowMs, int pmd)
    {
        (ulong packets, ulong bytes, long lastUsedMs) = table.CountersOf(m);
        (packets, bytes, lastUsedMs) = (packets + m.Inherited.Packets, bytes + m.Inherited.Bytes, Math.Max(lastUsedMs, m.Inherited.LastUsedMs));
        return new MegaflowInfo(
            MegaflowId.Of(pmd, m.Id),
            m.GivenUfid ?? UfidOf(m.Value, m.Mask),
            m.FullKey,
            m.FullLengthBytes,
            m.Mask,
            packets,
            bytes,
            packets == 0 ? null : Math.Max(0, nowMs - lastUsedMs),
            new Be16(m.Hot->TcpFlags).Host,
            new ReadOnlySpan<DpAction>(m.Hot->Actions, m.Hot->ActionCount).ToArray(),
            [.. m.Rules.Select(static r => r.Cookie)])
        { Order = m.Order, IsSlowByOrder = m.IsSlowByOrder, IsGiven = m.IsGiven, Generation = m.Generation };
    }

    /// <summary>Of mask and value together, as they are a flow's identity: the same flow has the same id in every run.</summary>
    public static Guid UfidOf(FlowKey key, FlowKey mask)
    {
        FlowKey.And(ref key, ref mask, ref key);
        byte[] identity = [.. key.Bytes, .. mask.Bytes];
        return new Guid(SHA256.HashData(identity).AsSpan(0, 16));
    }
}
