using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Mergeflow.Cli;

/// <summary>
/// Copies of inputs that can be read only once (standard input, pipes), for commands that replay more than once. A copy has no name from the moment on at which it
/// is made, so nothing is left of it, however the program ends.
/// </summary>
public sealed class InputSpool : IDisposable
{
    private const int BlockBytes = 1 << 16;

    private static int s_count;

    private readonly Dictionary<string, FileStream> _copies = [];

    private InputSpool()
    {
    }

    /// <summary>Copies those of the files that can be read only once.</summary>
    /// <param name="paths">Files; <c>-</c> is standard input.</param>
    /// <param name="interrupted">Ends the copying.</param>
    /// <param name="mostBytes">Largest copy, as the input comes: compressed if it is.</param>
    /// <exception cref="CommandFailedException">There is more than that.</exception>
    /// <exception cref="IOException">An input cannot be read, or the temporary folder is full.</exception>
    public static InputSpool Of(IEnumerable<string> paths, CancellationToken interrupted, long mostBytes = InputLimits.MaxSpoolBytes)
    {
        InputSpool spool = new();
        try
        {
            foreach (string path in paths.Where(IsOnce).Distinct()) spool._copies.Add(path, Copy(path, mostBytes, interrupted));
            return spool;
        }
        catch
        {
            spool.Dispose();
            throw;
        }
    }

    /// <summary>The copy of a file from its beginning; false if the file itself can be read again.</summary>
    /// <param name="path">As it was typed.</param>
    /// <param name="raw">Caller disposes it; the copy stays.</param>
    public bool TryOpen(string path, [NotNullWhen(true)] out Stream? raw)
    {
        raw = _copies.TryGetValue(path, out FileStream? copy) ? new CopyStream(copy) : null;
        return raw is not null;
    }

    public void Dispose()
    {
        foreach (FileStream copy in _copies.Values) copy.Dispose();
        _copies.Clear();
    }

    /// <summary>Can a file be read only once?</summary>
    internal static bool IsOnce(string path) => path == "-" || Native.FileKind.IsSpecial(path) && !Directory.Exists(path);

    private static FileStream Copy(string path, long mostBytes, CancellationToken interrupted)
    {
        using Stream from = path == "-" ? Console.OpenStandardInput() : new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 0);
        FileStream copy = Create();
        try
        {
            byte[] block = new byte[BlockBytes];
            long length = 0;
            for (int got; (got = from.Read(block)) > 0; length += got)
            {
                interrupted.ThrowIfCancellationRequested();
                if (length + got > mostBytes)
                    throw new CommandFailedException(ExitCode.BadInput, $"{(path == "-" ? "standard input" : path)}: more than {mostBytes >> 20} MiB, the most that is kept of an input that can be read only once; give it as a file");
                copy.Write(block, 0, got);
            }

            return copy;
        }
        catch
        {
            copy.Dispose();
            throw;
        }
    }

    /// <summary>A file for this user only, which has lost its name already.</summary>
    private static FileStream Create()
    {
        FileStreamOptions options = new() { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.None, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        while (true)
        {
            string name = Path.Combine(Path.GetTempPath(), string.Create(CultureInfo.InvariantCulture, $"mergeflow-spool-{Environment.ProcessId}-{Interlocked.Increment(ref s_count)}"));
            try
            {
                FileStream file = new(name, options);
                File.Delete(name);
                return file;
            }
            catch (IOException) when (File.Exists(name))
            {
                // Somebody else's: the next name.
            }
        }
    }

    private sealed class CopyStream(FileStream copy) : Native.ForwardStream(Null)
    {
        private long _position;

        public override int Read(Span<byte> buffer)
        {
            int got = RandomAccess.Read(copy.SafeFileHandle, buffer, _position);
            _position += got;
            return got;
        }
    }
}
