using Mergeflow.Engine.Conntrack;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Lookup;
using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// What one packet went through (the RFC's <c>trace_info</c>): the passes in the order they were executed, depth first, and the edge events
/// inside them in the same order. Pooled; reset before each use.
/// </summary>
public sealed class Trace
{
    /// <summary>Most passes a trace can hold: recirculation is bounded at the same depth.</summary>
    public const int MaxPasses = 16;

    /// <summary>Most edge events.</summary>
    public const int MaxEvents = 32;

    /// <summary>The packet as it came in, absent lanes zero, recirc_id and ct_* zero.</summary>
    public FlowKey OriginalKey;

    /// <summary>Its length then, bytes.</summary>
    public int OriginalLengthBytes;

    /// <summary>It came out of a tunnel: <see cref="OriginalKey"/> is the packet inside, with the tunnel fields of the one outside.</summary>
    public bool IsTunnelled;

    /// <summary>It ends where outer headers come off: what was inside has a trace of its own.</summary>
    public bool EndsInTunnel;

    public readonly TracePass[] Passes = new TracePass[MaxPasses];

    public int PassCount;

    /// <summary>ct and hash events; a program's n-th Ct or Hash action in execution order is event n.</summary>
    public readonly TraceEvent[] Events = new TraceEvent[MaxEvents];

    public int EventCount;

    /// <summary>None while the trace can still be merged.</summary>
    public OffloadReason Reason;

    /// <summary>Pass in which <see cref="Reason"/> arose.</summary>
    public int ReasonPass;

    /// <summary>Field or action, for people.</summary>
    public string? ReasonDetail;

    public long RecordedAtMs;

    /// <summary>When it was handed over, ticks of <see cref="System.Diagnostics.Stopwatch"/>.</summary>
    public long QueuedTicks;

    /// <summary>Hash of the packet's flow, for the recording filter.</summary>
    public ulong FlowHash;

    /// <summary>How busy the flow was until then.</summary>
    public FlowSeen FlowSeen;

    /// <summary>From the slots of one packet thread's table to names that are unique in the datapath: <see cref="MegaflowId"/>.</summary>
    public void NameMegaflows(int pmd)
    {
        foreach (ref TracePass pass in Passes.AsSpan(0, PassCount)) pass.MegaflowId = MegaflowId.Of(pmd, pass.MegaflowId);
    }

    /// <summary>Forgets everything.</summary>
    public void Reset()
    {
        PassCount = EventCount = ReasonPass = 0;
        Reason = OffloadReason.None;
        ReasonDetail = null;
        IsTunnelled = EndsInTunnel = false;
    }
}

/// <summary>One pass of a trace: which megaflow, which generation of it, how long the packet was then.</summary>
public struct TracePass
{
    public int MegaflowId;
    public uint Generation;
    public int LengthBytes;
}

/// <summary>An edge event inside a pass.</summary>
public struct TraceEvent
{
    public TraceEventKind Kind;

    /// <summary>Pass the event happened in.</summary>
    public int Pass;

    /// <summary>For <see cref="TraceEventKind.Ct"/>.</summary>
    public CtVerdict Ct;

    /// <summary>For <see cref="TraceEventKind.Hash"/>: the value computed, host order.</summary>
    public uint DpHash;
}

/// <summary>Kinds of <see cref="TraceEvent"/>.</summary>
public enum TraceEventKind : byte
{
    Ct,
    Hash,
}

/// <summary>What the <see cref="RecordingFilter"/> knows about a flow.</summary>
/// <param name="Packets">Packets counted, this one included.</param>
/// <param name="AgeMs">Time since the first of them, ms.</param>
public readonly record struct FlowSeen(int Packets, long AgeMs);
