using System.Buffers.Binary;
using System.Numerics;

namespace Mergeflow.Perf;

/// <summary>
/// Divides frames among PMD threads as a NIC does whose receive-side scaling hashes the two transport ports symmetrically: both directions of a
/// connection come to the same thread, also behind a NAT that keeps the ports. Everything without ports goes to the first one.
/// </summary>
public static class FlowSplit
{
    private const int EthTypeAt = 12;
    private const int Ipv4At = 14;
    private const int MinIpv4Bytes = 20;
    private const ushort Ipv4 = 0x0800;

    /// <summary>One workload per thread that gets frames, in order.</summary>
    /// <param name="workload">Frames that all arrive on port 1.</param>
    /// <param name="threads">Number of threads.</param>
    /// <param name="directionsApart">As a NIC whose hash is not symmetric: the directions of a connection come to two threads. All set-up frames go to the first, in order.</param>
    /// <exception cref="PerfException">The frames arrive on several ports.</exception>
    public static IReadOnlyList<Workload> Of(Workload workload, int threads, bool directionsApart = false)
    {
        if (workload.InPorts is not null) throw PerfException.Usage("--pmd: the frames must all arrive on port 1 (--flows, --port 1)");
        return [.. Enumerable.Range(0, threads)
            .Select(t => workload with { Frames = directionsApart ? Shuffle([.. workload.Frames.Where(f => ThreadOf(f, threads, true) == t)], t) : [.. workload.Frames.Where(f => ThreadOf(f, threads) == t)], Setup = [.. workload.Setup.Where(f => (directionsApart ? 0 : ThreadOf(f, threads)) == t)] })
            .Where(w => w.Frames.Count > 0)];
    }

    /// <summary>Each thread has an order of its own: if both walked through the connections in one, they would meet at one, and from then on at each.</summary>
    private static byte[][] Shuffle(byte[][] frames, int seed)
    {
        new Random(seed).Shuffle(frames);
        return frames;
    }

    /// <summary>Thread of a frame, 0..<paramref name="threads"/>-1.</summary>
    public static int ThreadOf(ReadOnlySpan<byte> frame, int threads, bool directionsApart = false)
    {
        if (frame.Length < Ipv4At + MinIpv4Bytes || BinaryPrimitives.ReadUInt16BigEndian(frame[EthTypeAt..]) != Ipv4) return 0;
        int portsAt = Ipv4At + ((frame[Ipv4At] & 15) * 4);
        if (frame.Length < portsAt + 4) return 0;
        int a = BinaryPrimitives.ReadUInt16BigEndian(frame[portsAt..]);
        int b = BinaryPrimitives.ReadUInt16BigEndian(frame[(portsAt + 2)..]);
        uint hash = BitOperations.Crc32C(BitOperations.Crc32C(0, (ushort)Math.Min(a, b)), (ushort)Math.Max(a, b));
        int thread = (int)((ulong)hash * (uint)threads >> 32);
        return directionsApart && a > b ? (thread + 1) % threads : thread;
    }
}
