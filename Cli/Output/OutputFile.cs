using System.IO.Compression;
using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary>
/// An output that appears whole or not at all: bytes go to a neighbour file that takes the name on <see cref="Commit"/> and is
/// removed otherwise. A name that ends in <c>.gz</c> is compressed; <c>-</c> is standard output; pipes and devices are written directly.
/// </summary>
public sealed class OutputFile : IDisposable
{
    private const int BufferSizeBytes = 1 << 16;

    private readonly string? _finalPath;
    private readonly string? _partialPath;
    private bool _committed;

    private OutputFile(Stream stream, string? finalPath, string? partialPath) =>
        (Stream, _finalPath, _partialPath) = (stream, finalPath, partialPath);

    /// <summary>Where to write.</summary>
    public Stream Stream { get; }

    /// <exception cref="IOException">The output cannot be written.</exception>
    public static OutputFile Create(string path)
    {
        if (path == "-") return new OutputFile(new BufferedStream(Console.OpenStandardOutput(), BufferSizeBytes), null, null);
        if (Directory.Exists(path)) throw new IOException($"'{path}' is a directory");
        bool isSpecial = FileKind.IsSpecial(path);
        string target = new FileInfo(path) is { LinkTarget: not null } link ? link.ResolveLinkTarget(returnFinalTarget: true)!.FullName : path;
        string? partial = isSpecial ? null : $"{target}.{Environment.ProcessId}.partial";
        Stream stream = partial is null ? new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, BufferSizeBytes) : CreateNew(path, partial);
        if (path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase)) stream = new GZipStream(stream, CompressionLevel.Optimal);
        return new OutputFile(stream, target, partial);
    }

    /// <summary>Ends the output and gives it its name.</summary>
    public void Commit()
    {
        Stream.Dispose();
        if (_partialPath is not null) File.Move(_partialPath, _finalPath!, overwrite: true);
        _committed = true;
    }

    public void Dispose()
    {
        if (_committed) return;
        Stream.Dispose();
        if (_partialPath is not null) File.Delete(_partialPath);
    }

    private static FileStream CreateNew(string path, string partial)
    {
        try
        {
            return new FileStream(partial, FileMode.Create, FileAccess.Write, FileShare.Read, BufferSizeBytes);
        }
        catch (DirectoryNotFoundException)
        {
            throw new IOException($"cannot write '{path}': the directory does not exist");
        }
        catch (UnauthorizedAccessException)
        {
            throw new IOException($"cannot write '{path}': permission denied");
        }
    }
}
