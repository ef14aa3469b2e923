using Mergeflow.Engine.Telemetry;

namespace Mergeflow.Engine.Pmd;

/// <summary>Marks between the stages of one packet; callers leave nothing of them in the instance that ships.</summary>
internal static class StageMarks
{
    /// <summary>One packet enters a stage, if this batch is marked packet by packet; returns the stage that it leaves.</summary>
    public static PmdStage Fine(StageTimes stages, PmdStage stage)
    {
        if (!stages.IsFine) return stage;
        PmdStage outer = stages.Stage;
        if (outer != stage) stages.Enter(stage);
        return outer;
    }
}
