namespace Mergeflow.Tests;

/// <summary>The recorded cases next to the test binary.</summary>
internal static class CaseFiles
{
    /// <summary>Suffix of the variant that was recorded with TCP sequence checks off.</summary>
    public const string NoSeqSuffix = "__noseq";

    /// <summary>The folder that is copied beside the tests.</summary>
    public static string DataFolder { get; } = Path.Combine(AppContext.BaseDirectory, "Data");

    public static IReadOnlyList<string> Names { get; } =
        [.. Directory.EnumerateDirectories(Path.Combine(DataFolder, "cases")).Select(d => Path.GetFileName(d)).Order(StringComparer.Ordinal)];

    public static ConformanceCase Load(string name) => ConformanceCase.Load(Path.Combine(DataFolder, "cases", name));
}
