using System.Diagnostics.CodeAnalysis;
using Microsoft.Win32.SafeHandles;

namespace Mergeflow.Cli;

/// <summary>
/// Copies of inputs that can be read only once (standard input, pipes), for commands that replay more than once. A copy has no name from the moment on at which it
/// is made, so nothing is left of it, however the program ends.
/// </summary>
public sealed class InputSpool : IDisposable
{
    private const int BlockBytes = 1 << 16;

    private readonly Dictionary<string, SafeFileHandle> _copies = [];

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
        raw = _copies.TryGetValue(path, out SafeFileHandle? copy) ? new CopyStream(copy) : null;
        return raw is not null;
    }

    public void Dispose()
    {
        foreach (SafeFileHandle copy in _copies.Values) copy.Dispose();
        _copies.Clear();
    }

    /// <summary>Can a file be read only once?</summary>
    internal static bool IsOnce(string path) => path == "-" || Native.FileKind.IsSpecial(path) && !Directory.Exists(path);

    private static SafeFileHandle Copy(string path, long mostBytes, CancellationToken interrupted)
    {
        using Stream from = path == "-" ? Console.OpenStandardInput() : new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, 0);
        string name = Path.Combine(Path.GetTempPath(), $"mergeflow-{Guid.NewGuid():N}");
        SafeFileHandle copy = File.OpenHandle(name, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.None);
        try
        {
            File.Delete(name);
            byte[] block = new byte[BlockBytes];
            long length = 0;
            for (int got; (got = from.Read(block)) > 0; length += got)
            {
                interrupted.ThrowIfCancellationRequested();
                if (length + got > mostBytes)
                    throw new CommandFailedException(ExitCode.BadInput, $"{(path == "-" ? "standard input" : path)}: more than {mostBytes >> 20} MiB, the most that is kept of an input that can be read only once; give it as a file");
                RandomAccess.Write(copy, block.AsSpan(0, got), length);
            }

            return copy;
        }
        catch
        {
            copy.Dispose();
            throw;
        }
    }

    private sealed class CopyStream(SafeFileHandle copy) : Native.ForwardStream(Null)
    {
        private long _position;

        public override int Read(Span<byte> buffer)
        {
            int got = RandomAccess.Read(copy, buffer, _position);
            _position += got;
            return got;
        }
    }
}
