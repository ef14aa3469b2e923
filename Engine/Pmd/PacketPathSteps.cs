using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.Offload;
using Mergeflow.Engine.Packets;

namespace Mergeflow.Engine.Pmd;

/// <summary>
/// The steps of the packet path one by one, each over the same parsed packets: what a micro-benchmark measures, without pointers outside
/// Engine. The packets stay rented until disposal.
/// </summary>
public sealed unsafe class PacketPathSteps : IDisposable
{
    private readonly PacketPool _pool;
    private readonly Packet** _packets;
    private readonly MergedHot** _merged;
    private readonly Vector256<byte>* _lanes;
    private bool _disposed;

    /// <summary>Loads and parses <paramref name="frames"/>; all arrive on port <paramref name="inPort"/> with good checksums.</summary>
    public PacketPathSteps(IReadOnlyList<byte[]> frames, uint inPort)
    {
        Count = frames.Count;
        _pool = new PacketPool(Count, Math.Max(64, frames.Max(f => f.Length)));
        _packets = (Packet**)NativeMemory.AlignedAlloc((nuint)Count * (nuint)sizeof(Packet*), 64);
        _merged = (MergedHot**)NativeMemory.AlignedAlloc(PmdThread.MaxBatch * (nuint)sizeof(MergedHot*), 64);
        _lanes = (Vector256<byte>*)NativeMemory.AlignedAlloc((nuint)Count * 64, 64);
        for (int i = 0; i < Count; i++)
        {
            Packet* p = _pool.Rent();
            _pool.Load(p, frames[i], inPort);
            p->Flags |= PacketFlags.IpCsumGood | PacketFlags.L4CsumGood;
            MiniflowExtractor.Extract(p);
            _packets[i] = p;
            _lanes[i * 2] = FlowKey.Lane(ref p->Key, Lanes.Link);
            _lanes[(i * 2) + 1] = FlowKey.Lane(ref p->Key, Lanes.Network);
        }
    }

    /// <summary>Packets that each step handles.</summary>
    public int Count { get; }

    /// <summary>Parses every packet.</summary>
    /// <typeparam name="TKernel">Vector or scalar.</typeparam>
    public void Extract<TKernel>()
        where TKernel : struct, IMiniflowKernel
    {
        for (int i = 0; i < Count; i += PmdThread.MaxBatch) MiniflowExtractor.ExtractBatch<TKernel>(_packets + i, Batch(i));
    }

    /// <summary>Hashes the hot lanes of every key; returns the XOR, so that no call is superfluous.</summary>
    public ulong Hash()
    {
        ulong all = 0;
        for (int i = 0; i < Count; i++) all ^= FlowHash.Of(_lanes[i * 2], _lanes[(i * 2) + 1]);
        return all;
    }

    /// <summary>Puts every key into an exact-match cache.</summary>
    public void Fill(ExactMatchCache cache)
    {
        for (int i = 0; i < Count; i++) cache.Insert(_lanes[i * 2], _lanes[(i * 2) + 1], FlowHash.Of(_lanes[i * 2], _lanes[(i * 2) + 1]), i, generation: 1);
    }

    /// <summary>Looks every key up, batch by batch: hash and prefetch, then compare. Returns the hits.</summary>
    public int Probe(ExactMatchCache cache)
    {
        ulong* hashes = stackalloc ulong[PmdThread.MaxBatch];
        int hits = 0;
        for (int from = 0; from < Count; from += PmdThread.MaxBatch)
        {
            int n = Batch(from);
            for (int i = 0; i < n; i++)
            {
                Vector256<byte>* l = _lanes + ((from + i) * 2);
                hashes[i] = FlowHash.Of(l[0], l[1]);
                cache.Prefetch(hashes[i]);
            }

            for (int i = 0; i < n; i++)
            {
                Vector256<byte>* l = _lanes + ((from + i) * 2);
                if (cache.Lookup(l[0], l[1], hashes[i]).IsFound) hits++;
            }
        }

        return hits;
    }

    /// <summary>Puts every key, masked, into a subtable; returns how many different ones there were.</summary>
    public int Fill(DpclsSubtable subtable)
    {
        FlowKey value = default;
        int added = 0;
        for (int i = 0; i < Count; i++)
        {
            if (subtable.Lookup(ref _packets[i]->Key, _packets[i]->KeyLanes) >= 0) continue;
            FlowKey whole = new PacketRef(_packets[i]).WholeKey();
            FlowKey.And(ref whole, ref subtable.Mask, ref value);
            subtable.Insert(ref value, i);
            added++;
        }

        return added;
    }

    /// <summary>Looks every key up in one subtable; returns the hits.</summary>
    public int Probe(DpclsSubtable subtable)
    {
        int hits = 0;
        for (int i = 0; i < Count; i++)
        {
            if (subtable.Lookup(ref _packets[i]->Key, _packets[i]->KeyLanes) >= 0) hits++;
        }

        return hits;
    }

    /// <summary>Sends every packet through <c>ct(zone)</c>, without what it knew before; returns those that are established.</summary>
    public int Track(ConnThread conntrack, in DpCt args, long nowMs)
    {
        int established = 0;
        for (int i = 0; i < Count; i++)
        {
            Packet* p = _packets[i];
            ConnThread.Clear(p);
            conntrack.Execute(p, args, nowMs, out CtVerdict verdict);
            if ((verdict.State & CtState.Est) != 0) established++;
        }

        return established;
    }

    /// <summary>Looks every packet up among the merged rules; returns the hits.</summary>
    public int Probe(MergedFlowTable table)
    {
        int hits = 0;
        for (int from = 0; from < Count; from += PmdThread.MaxBatch)
        {
            int n = Batch(from);
            table.Probe(_packets + from, n, _merged);
            for (int i = 0; i < n; i++)
            {
                if (_merged[i] != null) hits++;
            }
        }

        return hits;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        NativeMemory.AlignedFree(_packets);
        NativeMemory.AlignedFree(_merged);
        NativeMemory.AlignedFree(_lanes);
        _pool.Dispose();
    }

    private int Batch(int from) => Math.Min(PmdThread.MaxBatch, Count - from);
}
