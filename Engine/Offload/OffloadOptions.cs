namespace Mergeflow.Engine.Offload;

/// <summary>Settings of the offload thread.</summary>
public sealed class OffloadOptions
{
    /// <summary>Who gets a slot.</summary>
    public IAdmissionPolicy Admission { get; init; } = new AdmitAll();

    /// <summary>What it is put together from.</summary>
    public OffloadParts Parts { get; init; } = OffloadParts.Standard;

    /// <summary>Traces handled per step.</summary>
    public int TracesPerStep { get; init; } = 64;

    /// <summary>A request that was not answered for so long counts as lost, ms.</summary>
    public int CompletionTimeoutMs { get; init; } = 1000;

    /// <summary>Id of the first rule; for tests of numbers that a young process does not reach.</summary>
    public long FirstRuleId { get; init; }

    /// <summary>
    /// A device that keeps forwarding by rules that were taken from it, and has carried nothing out for so long, leaves the path until it answers, ms.
    /// </summary>
    public int StallTimeoutMs { get; init; } = 10_000;

    /// <summary>After so many failures, each within <see cref="FailureMemoryMs"/> of the one before, the offload thread does not begin again; 0 = at the first.</summary>
    public int MaxRestarts { get; init; } = 3;

    /// <summary>A failure that is longer ago does not count any more, ms.</summary>
    public int FailureMemoryMs { get; init; } = 60_000;

    /// <summary>How long a flow with a lasting reason is not recorded again, ms.</summary>
    public int SuppressionMs { get; init; } = PmdOffload.SuppressionMs;
}
