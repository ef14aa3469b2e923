using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Offload;

/// <summary>
/// One merged rule: what a whole chain of megaflows, connections and recirculations does to a packet, as a single match on the original
/// header and a single list of header rewrites and outputs. Its identity is <see cref="Mask"/> and <see cref="Value"/> together, and <see cref="Table"/>.
/// </summary>
public sealed class MergedFlow
{
    /// <summary>A rule without an id.</summary>
    public MergedFlow()
    {
    }

    /// <summary>A rule with an id, for use without an offload thread.</summary>
    public MergedFlow(long id) => Id = id;

    /// <summary>Its number in the offload thread's registry, never used again, and the rule's cookie towards a provider; -1 while it has none.</summary>
    public long Id { get; internal set; } = -1;

    /// <summary>Original header &amp; mask.</summary>
    public FlowKey Value;

    /// <summary>Bits of the original header that decided the packet's fate.</summary>
    public FlowKey Mask;

    /// <summary>Set*, Push*, Pop*, Output, TnlPush and Clone records only, or a single TnlPop; empty = drop.</summary>
    public DpAction[] Program { get; internal set; } = [];

    /// <summary>Distinct megaflows in first-visit order.</summary>
    public MergedPass[] Passes { get; internal set; } = [];

    /// <summary>Distinct connections (with direction) in first-visit order.</summary>
    public MergedConn[] Conns { get; internal set; } = [];

    /// <summary>in_port and every output port, distinct.</summary>
    public uint[] Ports { get; internal set; } = [];

    /// <summary>Number of passes of the trace, repeated megaflows counted.</summary>
    public int PassCount { get; internal set; }

    /// <summary>Only packets whose IP and L4 checksums were verified as good may use the rule: a connection tracker would call the others invalid.</summary>
    public bool RequiresCsum { get; internal set; }

    /// <summary>The rule pins a full 5-tuple (a connection or an L4 hash): it belongs in an exact-match table.</summary>
    public bool IsExact { get; internal set; }

    /// <summary>It is for what was inside a tunnel: the tunnel fields are those of the packet outside.</summary>
    public bool IsInside { get; internal set; }

    /// <summary>It takes outer headers off, and what is inside has a rule of its own: its packets are those of that one.</summary>
    public bool TakesOff { get; internal set; }

    /// <summary>Recognises a repeated trace without merging it: <see cref="Engine.TraceHash"/>.</summary>
    public ulong TraceHash { get; internal set; }

    public MergedFlowState State { get; private set; } = MergedFlowState.Merging;

    public MergedTimeline Timeline = MergedTimeline.Empty;

    /// <summary>What the steps cost on the host's clock.</summary>
    public MergedClock Clock;

    /// <summary>Why it was rejected or removed.</summary>
    public OffloadReason Reason { get; internal set; }

    /// <summary>Field or action that goes with <see cref="Reason"/>.</summary>
    public string? ReasonDetail { get; internal set; }

    /// <summary>Packets credited so far.</summary>
    public ulong Packets { get; internal set; }

    /// <summary>Bytes (original length) credited so far.</summary>
    public ulong Bytes { get; internal set; }

    public long LastUsedMs { get; internal set; }

    /// <summary>How busy it is; kept by admission policies that ask for it.</summary>
    public MergedRate Rate;

    /// <summary>Which of the device's <see cref="RevocationGates"/> it stands behind.</summary>
    public byte Gate { get; internal set; } = RevocationGates.Shut + 1;

    /// <summary>Which of the device's tables it is for: one that has a table per packet thread numbers them as the threads.</summary>
    public int Table { get; internal set; }

    /// <summary>First node of the rule's dependency links, -1 = none.</summary>
    internal int FirstLink { get; set; } = -1;

    /// <summary>When the provider was last asked for something that has not been answered, ms.</summary>
    internal long AskedAtMs { get; set; }

    /// <summary>Position in the offload thread's list.</summary>
    internal int ListIndex { get; set; }

    /// <summary>How often the pending request was repeated.</summary>
    internal int Attempts { get; set; }

    /// <summary>Somebody outside the offload thread may have it: it stays what it is when it is gone.</summary>
    internal bool IsShown { get; set; }

    /// <summary>It is to be another rule: nothing is left of this one but room.</summary>
    internal void Renew()
    {
        (Id, State, TraceHash, Reason, ReasonDetail) = (-1, MergedFlowState.Merging, 0, OffloadReason.None, null);
        (Packets, Bytes, LastUsedMs, Rate) = (0, 0, 0, default);
        (Timeline, Clock) = (MergedTimeline.Empty, default);
        (Gate, Table, FirstLink, AskedAtMs, ListIndex, Attempts) = (RevocationGates.Shut + 1, 0, -1, 0, 0, 0);
    }

    /// <summary>The life cycle's only door. Throws <see cref="InvalidOperationException"/> on an edge that does not exist.</summary>
    public void MoveTo(MergedFlowState next, long nowMs)
    {
        bool legal = (State, next) switch
        {
            (MergedFlowState.Recording, MergedFlowState.Queued or MergedFlowState.Rejected) => true,
            (MergedFlowState.Queued, MergedFlowState.Merging or MergedFlowState.Rejected) => true,
            (MergedFlowState.Merging, MergedFlowState.Installing or MergedFlowState.Rejected) => true,
            (MergedFlowState.Installing, MergedFlowState.Active or MergedFlowState.Dying or MergedFlowState.Rejected) => true,
            (MergedFlowState.Active, MergedFlowState.Dying) => true,
            (MergedFlowState.Dying, MergedFlowState.Dead) => true,
            _ => false,
        };
        if (!legal) ThrowEdge(State, next);
        State = next;
        switch (next)
        {
            case MergedFlowState.Installing: Timeline.InstallingAtMs = nowMs; break;
            case MergedFlowState.Active:
                Timeline.ActiveAtMs = nowMs;
                Clock.ConfirmedTicks = Stopwatch.GetTimestamp();
                break;
            case MergedFlowState.Dying:
                Timeline.DyingAtMs = nowMs;
                Clock.RevokedTicks = Stopwatch.GetTimestamp();
                break;
            case MergedFlowState.Dead:
                Timeline.DeadAtMs = nowMs;
                Clock.GoneTicks = Stopwatch.GetTimestamp();
                break;
        }
    }

    [DoesNotReturn]
    private static void ThrowEdge(MergedFlowState from, MergedFlowState to)
        => throw new InvalidOperationException($"merged flow: no edge {from} -> {to}");
}
