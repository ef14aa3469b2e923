using System.Buffers.Binary;
using System.Globalization;

namespace Mergeflow.Perf;

/// <summary>Lengths of frames on the wire, FCS included, as testers count them (RFC 2544): one length, or the simple IMIX 7 x 64, 4 x 594, 1 x 1518.</summary>
/// <param name="Name">As the command line spells it.</param>
/// <param name="CycleBytes">Lengths in turn, bytes with FCS.</param>
public sealed record FrameSize(string Name, IReadOnlyList<int> CycleBytes)
{
    private const int FcsBytes = 4;
    private const int MinBytes = 64;
    private const int MaxBytes = 1518;
    private const byte Tcp = 6;

    // In an order that mixes: seven short ones in a row would be batches of short ones.
    private static readonly FrameSize s_imix = new("imix", [64, 594, 64, 64, 594, 64, 1518, 64, 594, 64, 64, 594]);

    /// <summary>The frames as the recipes make them.</summary>
    public static FrameSize Smallest { get; } = new("64", [MinBytes]);

    /// <summary>A list such as <c>64,512,imix</c>.</summary>
    /// <exception cref="PerfException">Neither a length nor imix.</exception>
    public static IReadOnlyList<FrameSize> ParseList(string text) => [.. text.Split(',', StringSplitOptions.TrimEntries).Select(Parse)];

    /// <summary>What is appended to the name of a row.</summary>
    public string Suffix => CycleBytes is [MinBytes] ? "" : CycleBytes.Count == 1 ? $"_{Name}B" : $"_{Name}";

    /// <summary>The same packets with payload up to these lengths; set-up frames stay short.</summary>
    public Workload Apply(Workload workload)
        => Suffix.Length == 0 ? workload : workload with { Name = workload.Name + Suffix, Frames = [.. workload.Frames.Select((f, i) => Resize(f, CycleBytes[i % CycleBytes.Count] - FcsBytes))] };

    private static FrameSize Parse(string text)
    {
        if (text.Equals("imix", StringComparison.OrdinalIgnoreCase)) return s_imix;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int n) && n is >= MinBytes and <= MaxBytes)
            return new FrameSize(n.ToString(CultureInfo.InvariantCulture), [n]);
        throw PerfException.Usage($"--frame-size: '{text}' is neither imix nor a length from {MinBytes} to {MaxBytes}");
    }

    /// <summary>Built again, so that lengths and checksums are right.</summary>
    private static byte[] Resize(byte[] frame, int lengthBytes)
    {
        ReadOnlySpan<byte> f = frame;
        if (lengthBytes <= f.Length) return frame;
        ReadOnlySpan<byte> l4 = f[34..];
        bool tcp = f[23] == Tcp;
        return FrameBuilder.Build(
            BinaryPrimitives.ReadUInt32BigEndian(f[26..]),
            BinaryPrimitives.ReadUInt32BigEndian(f[30..]),
            BinaryPrimitives.ReadUInt16BigEndian(l4),
            BinaryPrimitives.ReadUInt16BigEndian(l4[2..]),
            f[23],
            tcp ? l4[13] : (byte)0,
            tcp ? BinaryPrimitives.ReadUInt32BigEndian(l4[4..]) : 0,
            tcp ? BinaryPrimitives.ReadUInt32BigEndian(l4[8..]) : 0,
            lengthBytes);
    }
}
