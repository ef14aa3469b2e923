using System.Runtime.CompilerServices;
using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Native;

namespace Mergeflow.Engine.Pmd;

/// <summary>The meters of a datapath (OVS dpif-netdev), by slot; all its threads pass packets through them.</summary>
/// <remarks>
/// Records lie in blocks of 256 that come when they are needed and stay until the end, so a thread may look at a meter that has just gone: what
/// names an empty slot passes. A meter that is changed while a packet is being judged may judge it by the old or the new rate.
/// </remarks>
public sealed unsafe class MeterTable : IMeterDevice, IDisposable
{
    private const int BlockBits = 8;
    private const uint SlotMask = (1 << BlockBits) - 1;
    private readonly PinnedBlock?[] _owned = new PinnedBlock?[OfPipeline.MaxMeters >> BlockBits];
    private readonly PinnedBlock _directory = PinnedMemory.Allocate((OfPipeline.MaxMeters >> BlockBits) * (nuint)sizeof(nint));

    /// <summary>First record of each block of slots; 0 = it has no meter yet.</summary>
    private readonly nint* _blocks;

    public MeterTable() => _blocks = (nint*)_directory.Pointer;

    /// <summary>Takes the packet's tokens from the meter's buckets; false if it is over a rate and must be dropped.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Admit(uint slot, int lengthBytes, long nowMs) => Admit<AtomicSwap>(slot, lengthBytes, nowMs);

    /// <summary>The same with another swap, for tests.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Admit<TSwap>(uint slot, int lengthBytes, long nowMs)
        where TSwap : struct, IWordSwap
    {
        MeterHot* meter = Find(slot);
        return meter == null || MeterHot.Admit<TSwap>(meter, lengthBytes, nowMs);
    }

    /// <inheritdoc/>
    /// <remarks>For one thread at a time.</remarks>
    public void Set(uint slot, MeterMod meter)
    {
        ref PinnedBlock? block = ref _owned[slot >> BlockBits];
        if (block is null)
        {
            block = PinnedMemory.Allocate((SlotMask + 1) * (nuint)MeterHot.SizeBytes);
            Volatile.Write(ref _blocks[slot >> BlockBits], (nint)block.Pointer);
        }

        MeterHot* hot = Find(slot);
        Volatile.Write(ref hot->BandCount, 0);
        (hot->Packets, hot->Bytes, hot->MaxDeltaMs) = (0, 0, 0);
        hot->IsPacketRate = (meter.Flags & MeterFlags.PacketRate) != 0;
        MeterBandHot* bands = MeterHot.BandsOf(hot);
        for (int i = 0; i < meter.Bands.Count; i++)
        {
            MeterBand band = meter.Bands[i];
            uint burst = band.BurstSize == 0 ? band.Rate : band.BurstSize;
            bands[i] = new MeterBandHot { Rate = band.Rate, BurstSize = burst, Bucket = burst * 1000UL };
            hot->MaxDeltaMs = Math.Max(hot->MaxDeltaMs, (uint)Math.Min(uint.MaxValue, burst * 1000UL / band.Rate));
        }

        Volatile.Write(ref hot->BandCount, meter.Bands.Count);
    }

    /// <inheritdoc/>
    public void Clear(uint slot) => Volatile.Write(ref Find(slot)->BandCount, 0);

    /// <summary>Packets and bytes that came, and those that each band has dropped.</summary>
    public (BookTotals In, BookTotals[] Bands) CountersOf(uint slot)
    {
        MeterHot* meter = Find(slot);
        if (meter == null) return (default, []);
        var bands = new BookTotals[meter->BandCount];
        for (int i = 0; i < bands.Length; i++) bands[i] = new BookTotals(MeterHot.BandsOf(meter)[i].Packets, MeterHot.BandsOf(meter)[i].Bytes);
        return (new BookTotals(meter->Packets, meter->Bytes), bands);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PinnedBlock? block in _owned) block?.Dispose();
        _directory.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private MeterHot* Find(uint slot)
    {
        var block = (MeterHot*)Volatile.Read(ref _blocks[slot >> BlockBits]);
        return block == null ? null : block + (slot & SlotMask);
    }
}
