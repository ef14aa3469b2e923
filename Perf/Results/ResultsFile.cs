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

    /// <summary>Those of <see cref="Notes"/> that say that figures may mislead; older files do not tell.</summary>
    public IReadOnlyList<string>? Warnings { get; init; }

    /// <summary>The same with no two rows of the same name, mode and cache: what tells them apart, the NIC's profile or else a number, is added to their names.</summary>
    public ResultsFile WithDistinctLabels()
    {
        Dictionary<string, ScenarioResult[]> same = Scenarios.GroupBy(static r => r.Key).ToDictionary(static g => g.Key, static g => g.ToArray());
        Dictionary<string, int> seen = [];
        return this with { Scenarios = [.. Scenarios.Select(Named)] };

        ScenarioResult Named(ScenarioResult row)
        {
            ScenarioResult[] rows = same[row.Key];
            if (rows.Length == 1) return row;
            int number = seen[row.Key] = seen.GetValueOrDefault(row.Key) + 1;
            bool byProfile = rows.Select(static r => r.NicProfile).Distinct().Count() == rows.Length;
            string mark = byProfile ? System.IO.Path.GetFileNameWithoutExtension(row.NicProfile) ?? "no profile" : $"{number}";
            return row with { Name = $"{row.Name} ({mark})" };
        }
    }

    /// <summary>
    /// The rows of several files as one: the first file says where and when. Where rows would have the same label, all rows of that name get the name of their
    /// file, so that its modes stay together, and a note that not all files have says which.
    /// </summary>
    /// <param name="files">Names as they were typed, and contents; at least one.</param>
    public static ResultsFile Join(IReadOnlyList<(string Path, ResultsFile Results)> files)
    {
        HashSet<string> twice = [.. files.SelectMany(static f => f.Results.Scenarios).GroupBy(static r => r.Key).Where(static g => g.Count() > 1).Select(static g => g.First().Name)];
        bool isShort = files.Select(static f => System.IO.Path.GetFileNameWithoutExtension(f.Path)).Distinct().Count() == files.Count;
        string NameOf(string path, int i) => isShort ? System.IO.Path.GetFileNameWithoutExtension(path) : $"{i + 1}:{path}";
        string[] names = [.. files.Select((f, i) => NameOf(f.Path, i))];
        return files[0].Results with
        {
            Scenarios = [.. files.SelectMany((f, i) => f.Results.Scenarios.Select(r => twice.Contains(r.Name) ? r with { Name = $"{r.Name} ({names[i]})" } : r))],
            Notes = Sentences(static f => f.Notes),
            Warnings = files.All(static f => f.Results.Warnings is null) ? null : Sentences(static f => f.Warnings ?? f.Notes),
        };

        IReadOnlyList<string> Sentences(Func<ResultsFile, IReadOnlyList<string>> of)
            => [.. files.SelectMany((f, i) => of(f.Results).Select(n => (Note: n, File: names[i]))).GroupBy(static n => n.Note)
                .Select(g => g.Count() == files.Count ? g.Key : $"{string.Join(", ", g.Select(static n => n.File).Distinct())}: {g.Key}")];
    }
}
