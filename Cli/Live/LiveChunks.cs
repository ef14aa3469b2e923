using System.Buffers.Binary;
using System.Text;

namespace Mergeflow.Cli;

/// <summary>What a command that goes on for a while sends its client: pieces, each with a kind and a length (byte, 32 bits little-endian).</summary>
internal static class LiveChunks
{
    /// <summary>Longest piece, bytes.</summary>
    public const int MaxBytes = 1 << 20;

    private const int HeaderBytes = 5;

    /// <summary>Sends a piece; longer ones of bytes go in several.</summary>
    /// <exception cref="IOException">The client takes nothing more.</exception>
    public static void Write(Stream output, LiveChunk kind, ReadOnlySpan<byte> bytes)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        do
        {
            int n = Math.Min(bytes.Length, MaxBytes);
            header[0] = (byte)kind;
            BinaryPrimitives.WriteInt32LittleEndian(header[1..], n);
            output.Write(header);
            output.Write(bytes[..n]);
            bytes = bytes[n..];
        }
        while (!bytes.IsEmpty);
    }

    /// <summary>Sends text.</summary>
    public static void Write(Stream output, LiveChunk kind, string text) => Write(output, kind, Encoding.UTF8.GetBytes(text));

    /// <summary>Takes the next piece; false at the end.</summary>
    /// <exception cref="IOException">The switch has ended in the middle of one, or sends something else.</exception>
    public static bool TryRead(Stream input, out LiveChunk kind, out byte[] bytes)
    {
        (kind, bytes) = (default, []);
        Span<byte> header = stackalloc byte[HeaderBytes];
        int got = input.ReadAtLeast(header, HeaderBytes, throwOnEndOfStream: false);
        if (got == 0) return false;
        int length = BinaryPrimitives.ReadInt32LittleEndian(header[1..]);
        if (got < HeaderBytes || length is < 0 or > MaxBytes || header[0] > (byte)LiveChunk.Done) throw new IOException("the switch has ended, or sends something else than was asked for");
        kind = (LiveChunk)header[0];
        bytes = new byte[length];
        if (input.ReadAtLeast(bytes, length, throwOnEndOfStream: false) < length) throw new IOException("the switch has ended");
        return true;
    }
}

/// <summary>Kinds of pieces.</summary>
internal enum LiveChunk : byte
{
    /// <summary>Bytes of the output, or of the file that was named last.</summary>
    Data,

    /// <summary>A line for standard error.</summary>
    Note,

    /// <summary>Name of the file that follows.</summary>
    File,

    /// <summary>All has been said.</summary>
    Done,
}
