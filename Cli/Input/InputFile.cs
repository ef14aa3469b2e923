using Mergeflow.Native;

namespace Mergeflow.Cli;

/// <summary>Opens input files; gzip is recognised by its first two bytes (RFC 1952), whatever the name says.</summary>
public static class InputFile
{
    private const int BufferSizeBytes = 1 << 16;

    /// <summary>Opens <paramref name="path"/> for streaming; <c>-</c> is standard input.</summary>
    /// <param name="path">File.</param>
    /// <param name="spool">Has copies of what can be read only once; null = there are none.</param>
    /// <exception cref="IOException">It is missing or cannot be read.</exception>
    public static Stream Open(string path, InputSpool? spool = null)
    {
        if (spool is not null && spool.TryOpen(path, out Stream? copy)) return Decompressed(new BufferedStream(copy, BufferSizeBytes));
        if (path == "-") return Decompressed(new BufferedStream(Console.OpenStandardInput(), BufferSizeBytes));
        RequireFile(path);
        BufferedStream file = new(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 0), BufferSizeBytes);
        return Decompressed(file);
    }

    /// <summary>Says in our own words that a file is not there, or is none.</summary>
    /// <exception cref="IOException">That.</exception>
    public static void RequireFile(string path)
    {
        if (Directory.Exists(path)) throw new IOException($"'{path}' is a directory");
        if (!File.Exists(path)) throw new FileNotFoundException($"'{path}' does not exist");
    }

    private static Stream Decompressed(Stream file)
    {
        Span<byte> magic = stackalloc byte[2];
        int got = file.ReadAtLeast(magic, 2, throwOnEndOfStream: false);
        PushBackStream whole = new(magic[..got], file);
        return GunzipStream.IsGzip(magic[..got]) ? new GunzipStream(whole) : whole;
    }

    /// <summary>Reads a whole text file, decompressed when it is gzip, within <see cref="InputLimits"/>.</summary>
    public static string ReadText(string path, InputSpool? spool = null)
    {
        using BoundedTextStream bounded = new(Open(path, spool), path);
        using StreamReader reader = new(bounded);
        try
        {
            return reader.ReadToEnd();
        }
        catch (InvalidDataException e)
        {
            throw new CommandFailedException(ExitCode.BadInput, $"{path}: damaged gzip data: {e.Message}");
        }
    }
}
