namespace Mergeflow.Tests;

/// <summary>A folder of files that goes with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("mergeflow-test-").FullName;

    public string this[string name] => Path.Combine(_path, name);

    /// <summary>Names of the files that are there.</summary>
    public IEnumerable<string> Names => Directory.EnumerateFiles(_path).Select(f => Path.GetFileName(f));

    /// <summary>Everything below: names, and a hash of what the files hold.</summary>
    public string Content() => string.Join('\n', Directory.EnumerateFileSystemEntries(_path, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
        .Select(f => $"{Path.GetRelativePath(_path, f)} {(Directory.Exists(f) ? "" : Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(f))))} {new FileInfo(f).LinkTarget}"));

    /// <summary>Writes a file and returns its path.</summary>
    public string Write(string name, string text)
    {
        File.WriteAllText(this[name], text);
        return this[name];
    }

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
