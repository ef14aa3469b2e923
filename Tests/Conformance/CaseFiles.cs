using System.Collections.Concurrent;

namespace Mergeflow.Tests;

/// <summary>The recorded cases.</summary>
internal static class CaseFiles
{
    /// <summary>Suffix of the variant that was recorded with TCP sequence checks off.</summary>
    public const string NoSeqSuffix = "__noseq";

    /// <summary>Suffix of the variant that was recorded with all megaflows deleted before every tenth event.</summary>
    public const string PurgeSuffix = "__purge";

    private static readonly ConcurrentDictionary<string, Lazy<ConformanceCase>> s_loaded = new();

    /// <summary>Where the project keeps them: a build that runs at the same time rewrites what is beside the tests, but not this.</summary>
    public static string DataFolder { get; } = Path.Combine(RepositoryFiles.Root, "Tests", "Data");

    public static IReadOnlyList<string> Names { get; } =
        [.. Directory.EnumerateDirectories(Path.Combine(DataFolder, "cases")).Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal)];

    /// <summary>There is such a case; <paramref name="name"/> as in <see cref="Load"/>.</summary>
    public static bool Exists(string name) => Directory.Exists(Path.Combine(DataFolder, "cases", name));

    /// <summary>Each case is read once. A full path names a case that is elsewhere.</summary>
    public static ConformanceCase Load(string name) =>
        s_loaded.GetOrAdd(name, n => new Lazy<ConformanceCase>(() => ConformanceCase.Load(Path.Combine(DataFolder, "cases", n)))).Value;
}
