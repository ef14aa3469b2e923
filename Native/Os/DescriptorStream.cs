using System.Runtime.InteropServices;

namespace Mergeflow.Native;

/// <summary>
/// Writes to a descriptor that the process was started with, as <c>write(2)</c> does: behind what others have written there. (.NET's own streams keep a position of
/// their own and leave the descriptor's where it was.) The descriptor stays open.
/// </summary>
/// <param name="descriptor">Its number.</param>
public sealed unsafe class DescriptorStream(int descriptor) : Stream
{
    private const int Interrupted = 4;

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        fixed (byte* data = buffer)
        {
            for (nint written = 0; written < buffer.Length;)
            {
                nint n = Libc.Write(descriptor, data + written, (nuint)(buffer.Length - written));
                if (n >= 0) written += n;
                else if (Marshal.GetLastPInvokeError() is int error and not Interrupted) throw new IOException(Marshal.GetPInvokeErrorMessage(error));
            }
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();
}
