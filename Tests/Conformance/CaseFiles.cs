using System.Collections.Concurrent;

namespace Mergeflow.Tests;

/// <summary>The recorded cases next to the test binary.</summary>
internal static class CaseFiles
{
    /// <summary>Suffix of the variant that was recorded with TCP sequence checks off.</summary>
    public const string NoSeqSuffix = "__noseq";

    private static readonly ConcurrentDictionary<string, Lazy<ConformanceCase>> s_loaded = new();

    /// <summary>The folder that is copied beside the tests.</summary>
    public static string DataFolder { get; } = Path.Combine(AppContext.BaseDirectory, "Data");

    public static IReadOnlyList<string> Names { get; } =
        [.. Directory.EnumerateDirectories(Path.Combine(DataFolder, "cases")).Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal)];

    /// <summary>Each case is read once.</summary>
    public static ConformanceCase Load(string name) =>
        s_loaded.GetOrAdd(name, n => new Lazy<ConformanceCase>(() => ConformanceCase.Load(Path.Combine(DataFolder, "cases", n)))).Value;
}
