using System.Runtime.CompilerServices;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Pmd;

/// <summary>Marks between the stages of the packet path; nothing of them is left in the instance that ships.</summary>
public sealed unsafe partial class PmdThread
{
    private StageTimes? _stages;

    /// <summary>As the other, and measures what the stages take.</summary>
    internal void ProcessBatch(Packet** packets, int count, long nowMs, StageTimes stages)
    {
        _stages = stages;
        Process<WithStages>(packets, count, nowMs);
    }

    /// <summary>A step over the whole batch begins.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Step<T>(PmdStage stage)
        where T : struct, IStageMarks
    {
        if (T.IsOn) _stages!.Enter(stage);
    }

    /// <summary>One packet enters a stage, if this batch is marked packet by packet; returns the stage that it leaves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private PmdStage Fine<T>(PmdStage stage)
        where T : struct, IStageMarks
    {
        if (!T.IsOn || !_stages!.IsFine) return stage;
        PmdStage outer = _stages.Stage;
        if (outer != stage) _stages.Enter(stage);
        return outer;
    }
}
