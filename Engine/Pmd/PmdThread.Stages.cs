using System.Runtime.CompilerServices;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Pmd;

/// <summary>Marks between the stages of the packet path; nothing of them is left in the instance that ships.</summary>
public sealed unsafe partial class PmdThread
{
    /// <summary>As the other, and measures what the stages take.</summary>
    internal void ProcessBatch(Packet** packets, int count, long nowMs, StageTimes stages)
    {
        _run.Stages = _lookup.Stages = stages;
        Process<WithStages>(packets, count, nowMs);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Step<T>(PmdStage stage)
        where T : struct, IStageMarks
    {
        if (T.IsOn) _run.Stages!.Enter(stage);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private PmdStage Fine<T>(PmdStage stage)
        where T : struct, IStageMarks
        => T.IsOn ? StageMarks.Fine(_run.Stages!, stage) : stage;
}
