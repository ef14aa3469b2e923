namespace Mergeflow.Tests;

/// <summary>The source tree around the test binary.</summary>
internal static class RepositoryFiles
{
    /// <summary>The folder that holds <c>Engine.sln</c>.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Source files of a project, relative to <see cref="Root"/>, with <c>/</c>.</summary>
    public static IEnumerable<string> Sources(string folder = ".") => Files(folder, "*.cs");

    /// <summary>Files of a folder that belong to the project: nothing that a build has made.</summary>
    public static IEnumerable<string> Files(string folder, string pattern) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), pattern, SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(Root, f).Replace('\\', '/'))
            .Where(f => !f.Split('/').Any(part => part is "bin" or "obj" || (part.Length > 1 && part[0] == '.')));

    public static string Read(string relativePath) => File.ReadAllText(Path.Combine(Root, relativePath));

    private static string FindRoot()
    {
        for (string? folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "Engine.sln"))) return folder;
        }
        throw new DirectoryNotFoundException($"no Engine.sln above {AppContext.BaseDirectory}");
    }
}
