using System.Globalization;

namespace Mergeflow.Cli;

/// <summary>A file with the number of the process, there while it runs.</summary>
internal sealed class PidFile : IDisposable
{
    private readonly string _path;

    /// <summary>Writes it.</summary>
    /// <exception cref="IOException">It cannot be written.</exception>
    public PidFile(string path)
    {
        _path = Path.GetFullPath(path);
        OutputFile.Write(_path, string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n"));
    }

    /// <inheritdoc/>
    public void Dispose() => File.Delete(_path);
}
