using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Mergeflow.Perf;

/// <summary>Remembers, per port and in order, which frame left because of which one that came in.</summary>
public sealed class OutputRecorder : IOutputSink
{
    private readonly SortedDictionary<uint, List<Sent>> _ports = [];

    /// <summary>An output to keep as a whole: port and number, from 0.</summary>
    public (uint Port, int Index)? Watch { get; init; }

    /// <summary>The frame that <see cref="Watch"/> asked for; null if there was none.</summary>
    public byte[]? Watched { get; private set; }

    /// <summary>Frames that left.</summary>
    public long Count { get; private set; }

    /// <inheritdoc/>
    public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
    {
        if (!_ports.TryGetValue(port, out List<Sent>? sent)) _ports.Add(port, sent = []);
        if (Watch == (port, sent.Count)) Watched = frame.ToArray();
        sent.Add(new Sent(eventIndex, frame.Length, Fingerprint(frame)));
        Count++;
    }

    /// <summary>SHA-256 over ports in ascending order, each with its frames in the order they left; lower-case hex.</summary>
    public string Sha256()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> head = stackalloc byte[12];
        foreach ((uint port, List<Sent> sent) in _ports)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(head, port);
            BinaryPrimitives.WriteInt64LittleEndian(head[4..], sent.Count);
            hash.AppendData(head);
            foreach (Sent s in sent)
            {
                BinaryPrimitives.WriteInt32LittleEndian(head, s.LengthBytes);
                BinaryPrimitives.WriteUInt64LittleEndian(head[4..], s.Fingerprint);
                hash.AppendData(head);
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Where two outputs part; null if they are the same.</summary>
    public OutputDifference? FirstDifference(OutputRecorder other)
    {
        foreach (uint port in _ports.Keys.Union(other._ports.Keys).Order())
        {
            List<Sent> mine = _ports.GetValueOrDefault(port, []);
            List<Sent> theirs = other._ports.GetValueOrDefault(port, []);
            int common = Math.Min(mine.Count, theirs.Count);
            for (int i = 0; i < common; i++)
            {
                if (mine[i].LengthBytes == theirs[i].LengthBytes && mine[i].Fingerprint == theirs[i].Fingerprint) continue;
                return new OutputDifference(port, i, mine[i].Event, mine[i].Event == theirs[i].Event ? "differs" : $"comes from frame {theirs[i].Event + 1} in the other");
            }

            if (mine.Count != theirs.Count)
                return new OutputDifference(port, common, (mine.Count > common ? mine : theirs)[common].Event, mine.Count > common ? "is too many" : "is missing");
        }

        return null;
    }

    private static ulong Fingerprint(ReadOnlySpan<byte> frame)
    {
        Span<byte> digest = stackalloc byte[32];
        SHA256.HashData(frame, digest);
        return MemoryMarshal.Read<ulong>(digest);
    }

    private readonly record struct Sent(long Event, int LengthBytes, ulong Fingerprint);
}
