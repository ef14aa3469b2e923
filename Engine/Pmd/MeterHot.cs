using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mergeflow.Engine.OpenFlow;
using Mergeflow.Native;

namespace Mergeflow.Engine.Pmd;

/// <summary>A meter as packets meet it (OVS <c>struct dp_meter</c>), shared by all threads without a lock.</summary>
/// <remarks>
/// <code>
///  0 Bands  4 PacketRate  8 MaxDeltaMs  16 UsedMs  24 Packets  32 Bytes  64 band[0]  96 band[1] .. 320
/// </code>
/// Protocol. 1. Who finds the clock behind moves it by a compare-and-swap; only the one that succeeds has the time in between to give. 2. For each
/// band it adds tokens for that time and takes the packet's, if there are enough, in one compare-and-swap of the bucket, again and again until
/// nobody came between. So no token is given or taken twice. A packet that comes between 1 and 2 is one that came before: it finds the old bucket.
/// What Open vSwitch decides for a batch (<c>dp_netdev_run_meter</c>) is what comes out packet by packet: a band that has enough for all takes for all,
/// another looks at one after the other, and each drains its own bucket whatever the other bands say.
/// </remarks>
[StructLayout(LayoutKind.Sequential, Size = SizeBytes)]
public unsafe struct MeterHot
{
    public const int SizeBytes = HeaderBytes + (OfPipeline.MaxMeterBands * MeterBandHot.SizeBytes);
    private const int HeaderBytes = 64;

    /// <summary>0 = there is no such meter: everything passes and nothing is counted.</summary>
    public int BandCount;

    /// <summary>A packet costs 1000 tokens; otherwise 8 for each byte.</summary>
    public bool IsPacketRate;

    /// <summary>Time that fills any bucket: more of it is not given at once (OVS <c>max_delta_t</c>, in whole ms and so perhaps not quite enough).</summary>
    public uint MaxDeltaMs;

    /// <summary>Clock of the last packet.</summary>
    public ulong UsedMs;

    /// <summary>Packets that came.</summary>
    public ulong Packets;

    /// <summary>Their bytes.</summary>
    public ulong Bytes;

    /// <summary>Bands in the order of the configuration.</summary>
    public static MeterBandHot* BandsOf(MeterHot* meter) => (MeterBandHot*)((byte*)meter + HeaderBytes);

    /// <summary>Takes the packet's tokens; false if it is over a rate and must be dropped. The band with the highest rate among those counts it.</summary>
    public static bool Admit<TSwap>(MeterHot* meter, int lengthBytes, long nowMs)
        where TSwap : struct, IWordSwap
    {
        int count = meter->BandCount;
        if (count == 0) return true;
        Interlocked.Increment(ref meter->Packets);
        Interlocked.Add(ref meter->Bytes, (uint)lengthBytes);
        ulong deltaMs = 0;
        ulong used = Volatile.Read(ref meter->UsedMs);
        if ((ulong)nowMs > used && TSwap.TrySwap(ref meter->UsedMs, (ulong)nowMs, used)) deltaMs = Math.Min((ulong)nowMs - used, meter->MaxDeltaMs); // 1
        ulong cost = meter->IsPacketRate ? 1000u : (uint)lengthBytes * 8;
        MeterBandHot* bands = BandsOf(meter);
        MeterBandHot* exceeded = null;
        uint highest = 0;
        for (int i = 0; i < count; i++)
        {
            MeterBandHot* band = bands + i;
            if (TryTake<TSwap>(ref band->Bucket, deltaMs * band->Rate, band->BurstSize * 1000UL, cost) || band->Rate <= highest) continue;
            exceeded = band;
            highest = band->Rate;
        }

        if (exceeded == null) return true;
        Interlocked.Increment(ref exceeded->Packets);
        Interlocked.Add(ref exceeded->Bytes, (uint)lengthBytes);
        return false;
    }

    /// <summary>Step 2.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryTake<TSwap>(ref ulong bucket, ulong refill, ulong full, ulong cost)
        where TSwap : struct, IWordSwap
    {
        while (true)
        {
            ulong before = Volatile.Read(ref bucket);
            ulong filled = Math.Min(before + refill, full);
            bool enough = filled >= cost;
            ulong after = enough ? filled - cost : filled;
            if (after == before || TSwap.TrySwap(ref bucket, after, before)) return enough;
        }
    }
}
