using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Telemetry;
using Mergeflow.Engine.Upcall;

namespace Mergeflow.Engine.Pmd;

/// <content>Upcalls on handler threads. Packets between the same two hosts keep their order, in both directions: while one of them is parked, all others wait behind it.</content>
public sealed unsafe partial class PmdThread
{
    private readonly ParkedUpcalls? _parked;

    /// <summary>Packets that wait for handler threads, or behind others.</summary>
    public int ParkedCount => _parked?.Count ?? 0;

    /// <summary>Lets packets go on whose upcalls are answered, some at a time; returns how many.</summary>
    public int ResumeParked(long nowMs)
    {
        if (_parked is not { Count: > 0 }) return 0;
        _nowMs = _run.NowMs = _lookup.NowMs = _clock.Of(nowMs);
        int resumed = _run.Resume<WithoutStages>();
        if (resumed > 0) Flush();
        return resumed;
    }

    /// <summary>What is parked now is there no longer when <see cref="HoldsParkedFrom"/> denies it of this number.</summary>
    internal long ParkedBegun => _parked?.Begun ?? 0;

    /// <inheritdoc cref="ParkedUpcalls.HoldsFrom"/>
    internal bool HoldsParkedFrom(long begun) => _parked?.HoldsFrom(begun) == true;

    /// <summary>The thread ends: what is parked is dropped, and counted.</summary>
    internal void AbandonParked()
    {
        if (_parked is not null) _run.Abandon();
    }

    private void RunParkingBatch<T>(Packet** packets, int count, uint merged)
        where T : struct, IStageMarks
    {
        MergedTotals totals = default;
        for (int i = 0; i < count; i++)
        {
            Packet* p = packets[i];
            _run.Flow = FlowOf(p);
            if (_parked!.Holds(_run.Flow))
            {
                _scratch->Cached &= ~(1u << i);
                _run.Hold(p);
                continue;
            }

            if ((merged >> i & 1) != 0)
            {
                if (TryMerged<T>(p, _scratch->Merged(i), ref totals)) continue;
                Stats.MergedRefused++;
                _scratch->MegaflowId[i] = -1;
            }

            _run.BeginTrace(p);
            ProcessOne<T>(p, i);
            _run.EndTrace();
        }

        Stats.EmcHits += (ulong)BitOperations.PopCount(_scratch->Cached);
        Stats.MergedHits += totals.Hits;
        Stats.Tx += totals.Forwarded;
        Stats.TxBytes += totals.ForwardedBytes;
    }

    /// <summary>The two hosts that a packet, as it came, goes between; whichever of them has sent it.</summary>
    [SkipLocalsInit]
    private static ulong FlowOf(Packet* p)
    {
        ref FlowKey key = ref p->Key;
        ulong a = key.DlSrc.ToUInt64(), b = key.DlDst.ToUInt64();
        if (key.DlType.Host == EthType.Ip)
        {
            (a, b) = (key.NwSrc.Raw, key.NwDst.Raw);
        }
        else if (key.DlType.Host == EthType.Ipv6)
        {
            Vector128<ulong> src = Vector128.LoadUnsafe(ref Unsafe.As<Ipv6Address, ulong>(ref key.Ipv6Src)), dst = Vector128.LoadUnsafe(ref Unsafe.As<Ipv6Address, ulong>(ref key.Ipv6Dst));
            (a, b) = (Mix(src.GetElement(0)) ^ src.GetElement(1), Mix(dst.GetElement(0)) ^ dst.GetElement(1));
        }

        return Mix(Mix(a) + Mix(b));
    }

    private static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 32)) * 0x9E37_79B9_7F4A_7C15;
        return x ^ (x >> 29);
    }
}
