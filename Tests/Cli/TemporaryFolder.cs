namespace Mergeflow.Tests;

/// <summary>A folder of files that goes with the test.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly string _path = Directory.CreateTempSubdirectory("mergeflow-test-").FullName;

    public string this[string name] => Path.Combine(_path, name);

    /// <summary>Names of the files that are there.</summary>
    public IEnumerable<string> Names => Directory.EnumerateFiles(_path).Select(f => Path.GetFileName(f));

    /// <summary>Writes a file and returns its path.</summary>
    public string Write(string name, string text)
    {
        File.WriteAllText(this[name], text);
        return this[name];
    }

    public void Dispose() => Directory.Delete(_path, recursive: true);
}
