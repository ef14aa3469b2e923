using System.Collections.Concurrent;
using System.IO.Compression;
using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary>
/// An output that appears whole or not at all: bytes go to a neighbour file that takes the name on <see cref="Commit"/> and is
/// removed otherwise. A name that ends in <c>.gz</c> is compressed; <c>-</c> is standard output; pipes, devices and descriptors (<c>/dev/fd/N</c>) are written
/// directly; of a link the file is replaced that it leads to.
/// </summary>
public sealed class OutputFile : IDisposable
{
    private const int BufferSizeBytes = 1 << 16;

    private static readonly ConcurrentDictionary<string, bool> s_unfinished = new();

    private readonly string? _finalPath;
    private readonly string? _partialPath;
    private bool _committed;

    private OutputFile(Stream stream, string? finalPath, string? partialPath) =>
        (Stream, _finalPath, _partialPath) = (stream, finalPath, partialPath);

    /// <summary>Where to write.</summary>
    public Stream Stream { get; }

    /// <summary>Opens an output; nothing of that name changes yet, unless it is a pipe or a device.</summary>
    /// <exception cref="IOException">The output cannot be written.</exception>
    public static OutputFile Create(string path)
    {
        (Stream stream, string? target, string? partial) = Open(path);
        if (partial is not null) s_unfinished[partial] = true;
        if (path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase)) stream = new GZipStream(stream, CompressionLevel.Optimal);
        return new OutputFile(stream, target, partial);
    }

    /// <summary>Writes a text, whole or not at all.</summary>
    /// <exception cref="IOException">The output cannot be written.</exception>
    public static void Write(string path, string text)
    {
        using OutputFile file = Create(path);
        file.Stream.Write(System.Text.Encoding.UTF8.GetBytes(text));
        file.Commit();
    }

    /// <summary>Finds out now, not after minutes of work, whether <see cref="Create"/> would fail. Leaves nothing behind.</summary>
    /// <exception cref="IOException">The output cannot be written.</exception>
    public static void Check(string path)
    {
        // Opening a pipe waits for its reader, and a device may do anything: these are opened when there is something to say.
        if (path == "-" || FileKind.Descriptor(path) is not null || (FileKind.IsSpecial(path) && !Directory.Exists(path))) return;
        (Stream stream, _, string? partial) = Open(path, "check");
        stream.Dispose();
        if (partial is not null) File.Delete(partial);
    }

    /// <summary>Removes what is half written: for a process that has to end now, whatever its threads do.</summary>
    public static void RemoveUnfinished()
    {
        foreach (string partial in s_unfinished.Keys) File.Delete(partial);
    }

    /// <summary>Ends the output and gives it its name.</summary>
    public void Commit()
    {
        Stream.Dispose();
        if (_partialPath is not null) File.Move(_partialPath, _finalPath!, overwrite: true);
        _committed = true;
        Forget();
    }

    public void Dispose()
    {
        if (_committed) return;
        _committed = true;
        try
        {
            Stream.Dispose();
        }
        finally
        {
            if (_partialPath is not null) File.Delete(_partialPath);
            Forget();
        }
    }

    private void Forget()
    {
        if (_partialPath is not null) s_unfinished.TryRemove(_partialPath, out _);
    }

    private static (Stream Stream, string? Target, string? Partial) Open(string path, string suffix = "partial")
    {
        if (path.Length == 0) throw new IOException("an empty name is no file");
        if (path == "-") return (new BufferedStream(Console.OpenStandardOutput(), BufferSizeBytes), null, null);
        if (FileKind.Descriptor(path) is int descriptor)
            return (new BufferedStream(new DescriptorStream(descriptor), BufferSizeBytes), null, null);
        if (Directory.Exists(path)) throw new IOException($"'{path}' is a directory");
        if (FileKind.IsSpecial(path))
            return (new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, BufferSizeBytes), null, null);
        string target = new FileInfo(path) is { LinkTarget: not null } link ? link.ResolveLinkTarget(returnFinalTarget: true)!.FullName : path;
        string partial = $"{target}.{Environment.ProcessId}.{suffix}";
        return (CreateNew(path, partial), target, partial);
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
