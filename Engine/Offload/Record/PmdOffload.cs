using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Ledger;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Telemetry;
using Mergeflow.Native;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// The packet thread's end of the offload: where it looks for merged rules, and where its traces and invalidated connections go. It only
/// probes and enqueues.
/// </summary>
/// <remarks>
/// Per packet without a rule: <see cref="TryBegin"/>; if that gives a trace, <see cref="AddPass"/> per pass, <see cref="AddCt"/> and
/// <see cref="AddHash"/> per edge, <see cref="Stop"/> at the first thing that cannot be merged, and <see cref="End"/> when the packet is done.
/// </remarks>
public sealed unsafe class PmdOffload : IConnObserver
{
    /// <summary>How long a flow with a lasting reason is not recorded again, ms.</summary>
    public const int SuppressionMs = 1000;

    private readonly RecordingFilter _filter;

    /// <summary>What the packet that was begun last was counted under, if it was not recorded.</summary>
    private OffloadReason _countedReason;
    private int _countedBytes;

    /// <summary>An endpoint.</summary>
    /// <param name="table">The soft device's table; null when rules live elsewhere.</param>
    /// <param name="filter">Which packets to record; null = every one.</param>
    /// <param name="traceCapacity">Traces under way.</param>
    /// <param name="connEventCapacity">Invalidated connections under way.</param>
    public PmdOffload(MergedFlowTable? table, RecordingFilter? filter = null, int traceCapacity = 256, int connEventCapacity = 4096)
    {
        Table = table;
        _filter = filter ?? new RecordingFilter();
        Traces = new TraceRing(traceCapacity);
        ConnEvents = new ConnEventRing(connEventCapacity);
    }

    /// <summary>Which of the datapath's packet threads it is, from 0 on.</summary>
    public int Index { get; init; }

    /// <summary>The soft device's table, or null.</summary>
    public MergedFlowTable? Table { get; }

    /// <summary>The device takes outer headers off and puts them on, by rules of its own: what leads to a tunnel has rules too.</summary>
    public bool TakesTunnels { get; init; }

    /// <summary>Finished traces.</summary>
    public TraceRing Traces { get; }

    /// <summary>Invalidated connections.</summary>
    public ConnEventRing ConnEvents { get; }

    /// <summary>Packets whose recording ended with a reason, or that were not recorded because a reason still stands.</summary>
    public ReasonTotals Refused { get; } = new();

    /// <summary>Latest reasons per flow.</summary>
    public RefusalLog Refusals { get; } = new();

    /// <summary>Is told of packets that are refused here; null = nobody asks.</summary>
    internal IPacketFates? Fates { get; set; }

    /// <summary>Traces handed over.</summary>
    public ulong Recorded { get; private set; }

    /// <summary>Starts recording a packet that has just been parsed (recirc_id 0); null if it is not worth it or there is no room.</summary>
    public Trace? TryBegin(Packet* packet, long nowMs)
    {
        _countedReason = OffloadReason.None;
        ulong hash = FlowHashOf(packet);
        if (!_filter.ShouldRecord(hash, nowMs, out OffloadReason standing, out FlowSeen seen))
        {
            Count(standing, packet->LengthBytes);
            if (Fates is not null) Tell(packet, standing);
            return null;
        }

        Trace? trace = Traces.TryBegin();
        if (trace is null)
        {
            Count(OffloadReason.QueueFull, packet->LengthBytes);
            if (Fates is not null) Tell(packet, OffloadReason.QueueFull);
            return null;
        }

        trace.FlowHash = hash;
        trace.FlowSeen = seen;
        trace.RecordedAtMs = nowMs;
        trace.OriginalLengthBytes = packet->LengthBytes;
        CopyKey(packet, ref trace.OriginalKey);
        return trace;
    }

    /// <summary>
    /// The packet that was begun last has come out of a tunnel: its recording starts anew with what was inside (parsed, tunnel fields set), and it is counted as that. Null as <see cref="TryBegin"/>.
    /// </summary>
    public Trace? BeginInside(Packet* packet, long nowMs)
    {
        if (_countedReason != OffloadReason.None) Refused.TakeBack(_countedReason, _countedBytes);
        Trace? trace = TryBegin(packet, nowMs);
        if (trace is not null) trace.IsTunnelled = true;
        return trace;
    }

    /// <summary>
    /// The outer headers of the packet have come off: what led there is a rule of its own, for devices with such rules. False if recording has stopped on the way, which is then counted: without that rule one for what is
    /// inside would never be asked.
    /// </summary>
    public bool EndOutside(Trace trace, long nowMs)
    {
        if (trace.Reason != OffloadReason.None)
        {
            End(trace, nowMs);
            return false;
        }

        trace.EndsInTunnel = true;
        trace.QueuedTicks = Stopwatch.GetTimestamp();
        Traces.Publish();
        return true;
    }

    /// <summary>The packet that was begun last has come out of a tunnel and took a merged rule there: it counts as that alone.</summary>
    public void TookRuleInside()
    {
        if (_countedReason != OffloadReason.None) Refused.TakeBack(_countedReason, _countedBytes);
        _countedReason = OffloadReason.None;
    }

    private void Count(OffloadReason reason, int lengthBytes)
    {
        (_countedReason, _countedBytes) = (reason, lengthBytes);
        Refused.Add(reason, lengthBytes);
    }

    private static void CopyKey(Packet* packet, ref FlowKey key)
    {
        for (int i = 0; i < FlowKey.LaneCount; i++)
        {
            FlowKey.Lane(ref key, i) = (packet->KeyLanes & (1u << i)) != 0 ? FlowKey.Lane(ref packet->Key, i) : default;
        }
    }

    private void Tell(Packet* packet, OffloadReason reason)
    {
        FlowKey key = default;
        CopyKey(packet, ref key);
        Fates!.Refused(in key, packet->LengthBytes, reason, -1, null);
    }

    /// <summary>A pass begins with this megaflow; returns its number, -1 if recording has stopped.</summary>
    public static int AddPass(Trace trace, int megaflowId, uint generation, int lengthBytes)
    {
        if (trace.Reason != OffloadReason.None) return -1;
        if (trace.PassCount == Trace.MaxPasses)
        {
            Stop(trace, Trace.MaxPasses, OffloadReason.TraceTooDeep, "recirc");
            return -1;
        }

        trace.Passes[trace.PassCount] = new TracePass { MegaflowId = megaflowId, Generation = generation, LengthBytes = lengthBytes };
        return trace.PassCount++;
    }

    /// <summary>A <c>ct</c> action of pass <paramref name="pass"/> was executed.</summary>
    public static void AddCt(Trace trace, int pass, byte nwProto, ushort tcpFlags, in CtVerdict verdict)
    {
        if (NextEvent(trace, pass) is not int i) return;
        OffloadReason reason = CtEligibility.Check(nwProto, tcpFlags, in verdict, out string detail);
        if (reason != OffloadReason.None)
        {
            Stop(trace, pass, reason, detail);
            return;
        }

        trace.Events[i] = new TraceEvent { Kind = TraceEventKind.Ct, Pass = pass, Ct = verdict };
    }

    /// <summary>A <c>hash</c> action of pass <paramref name="pass"/> was executed.</summary>
    public static void AddHash(Trace trace, int pass, uint dpHash)
    {
        if (NextEvent(trace, pass) is not int i) return;
        trace.Events[i] = new TraceEvent { Kind = TraceEventKind.Hash, Pass = pass, DpHash = dpHash };
    }

    /// <summary>Recording ends: the packet did something that no merged rule can do.</summary>
    public static void Stop(Trace trace, int pass, OffloadReason reason, string detail)
    {
        if (trace.Reason != OffloadReason.None) return;
        trace.Reason = reason;
        trace.ReasonPass = pass;
        trace.ReasonDetail = detail;
    }

    /// <summary>The packet is done: hands the trace over, or counts why there is none.</summary>
    public void End(Trace trace, long nowMs)
    {
        if (trace.Reason == OffloadReason.None)
        {
            trace.QueuedTicks = Stopwatch.GetTimestamp();
            Traces.Publish();
            Recorded++;
            return;
        }

        Refused.Add(trace.Reason, trace.OriginalLengthBytes);
        Fates?.Refused(in trace.OriginalKey, trace.OriginalLengthBytes, trace.Reason, trace.ReasonPass, trace.ReasonDetail);
        Refusals.Add(trace, trace.Reason, trace.ReasonPass, trace.ReasonDetail, nowMs);
        if (OffloadReasons.IsLasting(trace.Reason)) _filter.Suppress(trace.FlowHash, nowMs, SuppressionMs, trace.Reason);
    }

    /// <summary>Asks the packet thread not to record a flow for a while; from any thread.</summary>
    public void Suppress(ulong flowHash, long nowMs, int forMs, OffloadReason reason) => _filter.Suppress(flowHash, nowMs, forMs, reason);

    /// <inheritdoc/>
    public void OnConnInvalidated(int connId, uint newGeneration) => ConnEvents.Add(connId, newGeneration);

    private static int? NextEvent(Trace trace, int pass)
    {
        if (trace.Reason != OffloadReason.None) return null;
        if (trace.EventCount == Trace.MaxEvents)
        {
            Stop(trace, pass, OffloadReason.TraceTooDeep, "events");
            return null;
        }

        return trace.EventCount++;
    }

    /// <summary>Ports, addresses, protocol and L4 ports, and the tunnel: what does not change from packet to packet of a flow.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong FlowHashOf(Packet* packet)
    {
        Vector256<byte> l0 = FlowKey.Lane(ref packet->Key, Lanes.Link);
        Vector256<byte> l1 = (packet->KeyLanes & (1u << Lanes.Network)) != 0 ? FlowKey.Lane(ref packet->Key, Lanes.Network) & s_steady : default;
        ulong hash = KeyedHash.Hash64(l0, l1);
        if ((packet->KeyLanes & (1u << Lanes.Tunnel)) != 0) hash = KeyedHash.Hash32(FlowKey.Lane(ref packet->Key, Lanes.Tunnel), hash);
        return (packet->KeyLanes & (1u << Lanes.Ipv6)) != 0 ? KeyedHash.Hash32(FlowKey.Lane(ref packet->Key, Lanes.Ipv6), hash) : hash;
    }

    private static readonly Vector256<byte> s_steady = Steady();

    private static Vector256<byte> Steady()
    {
        FlowKey m = default;
        m.NwProto = 0xff;
        m.NwSrc = m.NwDst = new Be32(~0u);
        m.TpSrc = m.TpDst = new Be16(0xffff);
        return FlowKey.Lane(ref m, Lanes.Network);
    }
}
