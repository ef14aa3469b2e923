namespace Mergeflow.Perf;

/// <summary>Everything that one invocation measured: the content of <c>results.json</c> (see <c>docs/results-schema.md</c>).</summary>
public sealed record ResultsFile
{
    /// <summary>What <see cref="Schema"/> holds.</summary>
    public const string SchemaName = "mergeflow-perf-results";

    /// <summary>Version that this build writes and reads; members may be added without a new one.</summary>
    public const int CurrentVersion = 1;

    /// <summary>Always <see cref="SchemaName"/>.</summary>
    public required string Schema { get; init; }

    /// <summary>Version of the schema.</summary>
    public required int Version { get; init; }

    /// <summary>When the run began, UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Commit of the source, if the program ran in a checkout.</summary>
    public string? Commit { get; init; }

    /// <summary>Arguments.</summary>
    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>The machine.</summary>
    public required HostInfo Host { get; init; }

    /// <summary>The runtime and its settings.</summary>
    public required RuntimeInfo Runtime { get; init; }

    /// <summary>Seed of all that the program drew by chance (<c>MERGEFLOW_SEED</c>); older files do not say.</summary>
    public ulong? Seed { get; init; }

    /// <summary>One element per row of the table.</summary>
    public required IReadOnlyList<ScenarioResult> Scenarios { get; init; }

    /// <summary>Sentences about the run that a reader has to know.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}
