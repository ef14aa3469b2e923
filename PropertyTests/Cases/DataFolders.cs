namespace Mergeflow.PropertyTests;

/// <summary>
/// Where the project keeps what the tests read. Not beside the test binary: a build that runs at the same time would rewrite it under a test.
/// </summary>
internal static class DataFolders
{
    private static readonly string s_root = FindRoot();

    /// <summary>What was recorded, shared with the other tests.</summary>
    public static string Recorded { get; } = Path.Combine(s_root, "Tests", "Data");

    /// <summary>A folder for each recorded case.</summary>
    public static string Cases { get; } = Path.Combine(Recorded, "cases");

    /// <summary>Cases that once failed.</summary>
    public static string Corpus { get; } = Path.Combine(s_root, "PropertyTests", "Corpus");

    private static string FindRoot()
    {
        for (string? folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Engine.sln"))) return folder;
        }

        throw new DirectoryNotFoundException($"no Engine.sln above {AppContext.BaseDirectory}");
    }
}
