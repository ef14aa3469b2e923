using System.Buffers.Text;
using Microsoft.Win32.SafeHandles;

namespace Mergeflow.Perf;

/// <summary>How long a thread has waited for a processor although it could run (<c>/proc/thread-self/schedstat</c>). Made by the thread, read by any.</summary>
public sealed class ProcessorWaits : IDisposable
{
    private const string Source = "/proc/thread-self/schedstat";

    private readonly SafeFileHandle? _file = File.Exists(Source) ? File.OpenHandle(Source) : null;

    /// <summary>ns in all, up to the last time that it got one; 0 where the system does not say.</summary>
    public long WaitNs
    {
        get
        {
            if (_file is null) return 0;
            Span<byte> text = stackalloc byte[64];
            text = text[..RandomAccess.Read(_file, text, 0)];
            return text.IndexOf((byte)' ') is > 0 and var first && Utf8Parser.TryParse(text[(first + 1)..], out long ns, out _) ? ns : 0;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file?.Dispose();
}
