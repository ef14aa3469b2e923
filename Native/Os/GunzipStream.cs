using System.IO.Compression;

namespace Mergeflow.Native;

/// <summary>
/// Reads gzip (RFC 1952), members one after the other among it, and knows whether it was whole: .NET's <see cref="GZipStream"/> takes a file that ends in the
/// middle of its data for one that ends there.
/// </summary>
/// <remarks>
/// When the decompressor wants more than the file has, everything in it has been given out. It is then handed one more member, with a text of our own, which comes
/// out if, and only if, it stood between two members.
/// </remarks>
public sealed class GunzipStream : ForwardStream
{
    private static readonly byte[] s_probe = "between two members"u8.ToArray();
    private static readonly byte[] s_probeMember = Compressed(s_probe);

    private readonly ProbedStream _compressed;
    private bool _atEnd;

    /// <param name="compressed">Owned.</param>
    public GunzipStream(Stream compressed)
        : this(new ProbedStream(compressed))
    {
    }

    private GunzipStream(ProbedStream compressed)
        : base(new GZipStream(compressed, CompressionMode.Decompress)) => _compressed = compressed;

    /// <summary>True for the first two bytes of gzip.</summary>
    public static bool IsGzip(ReadOnlySpan<byte> head) => head.Length >= 2 && head[0] == 0x1f && head[1] == 0x8b;

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">Damaged, or it ends too early.</exception>
    public override int Read(Span<byte> buffer)
    {
        if (_atEnd || buffer.IsEmpty) return 0;
        int got;
        try
        {
            got = Inner.Read(buffer);
        }
        catch (InvalidDataException) when (_compressed.AtEnd)
        {
            got = 0;
        }

        // It asks for more only when it has nothing left to give: what comes of the probe comes alone.
        if (!_compressed.AtEnd) return got;
        _atEnd = true;
        if (got == 0 || !IsProbe(buffer[..got])) throw new InvalidDataException("it ends too early");
        return 0;
    }

    /// <summary>Is what came out, and the rest of it, the probe?</summary>
    private bool IsProbe(ReadOnlySpan<byte> begun)
    {
        List<byte> all = [.. begun];
        byte[] more = new byte[s_probe.Length + 1];
        try
        {
            for (int got; all.Count <= s_probe.Length && (got = Inner.Read(more)) > 0;) all.AddRange(more.AsSpan(0, got));
        }
        catch (InvalidDataException)
        {
            return false;
        }

        return all.SequenceEqual(s_probe);
    }

    private static byte[] Compressed(byte[] text)
    {
        using MemoryStream member = new();
        using (GZipStream gzip = new(member, CompressionLevel.Optimal)) gzip.Write(text);
        return member.ToArray();
    }

    /// <summary>A stream with the probe behind it.</summary>
    private sealed class ProbedStream(Stream inner) : ForwardStream(inner)
    {
        private int _given;

        /// <summary>The file has been read to its end, and more was wanted.</summary>
        public bool AtEnd { get; private set; }

        public override int Read(Span<byte> buffer)
        {
            if (!AtEnd)
            {
                int got = Inner.Read(buffer);
                if (got > 0 || buffer.IsEmpty) return got;
                AtEnd = true;
            }

            int n = Math.Min(buffer.Length, s_probeMember.Length - _given);
            s_probeMember.AsSpan(_given, n).CopyTo(buffer);
            _given += n;
            return n;
        }
    }
}
