namespace Mergeflow.Engine;

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

    /// <summary>How long a flow with a lasting reason is not recorded again, ms.</summary>
    public int SuppressionMs { get; init; } = PmdOffload.SuppressionMs;
}
