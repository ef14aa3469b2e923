namespace Mergeflow.Perf;

/// <summary>Whole connections, from the first packet to the last, 64 of them interleaved: connections per second.</summary>
public static class ConnectionLifecycle
{
    private const uint Seed = 20261123;
    private const int Connections = 50_000;
    private const int InFlight = 64;
    private const int Tcp = 6;
    private const int Udp = 17;
    private const byte Fin = 0x01;
    private const byte Syn = 0x02;
    private const byte Ack = 0x10;

    /// <summary>Names that <see cref="Make"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = ["cps_tcp", "cps_udp", "cps_tcp_snat", "cps_udp_snat"];

    /// <summary>One workload: TCP with handshake, one segment each way and close; UDP with question and answer.</summary>
    public static Workload Make(string name)
    {
        bool tcp = name.StartsWith("cps_tcp", StringComparison.Ordinal);
        bool nat = name.EndsWith("_snat", StringComparison.Ordinal);
        var tuples = new ConnectionTuples(Seed);
        var frames = new List<byte[]>();
        for (int first = 0; first < Connections; first += InFlight)
        {
            byte[][][] block = [.. Enumerable.Range(first, Math.Min(InFlight, Connections - first)).Select(i => tcp ? TcpFrames(tuples, i, nat) : UdpFrames(tuples, i, nat))];
            for (int step = 0; step < block[0].Length; step++) frames.AddRange(block.Select(c => c[step]));
        }

        return new Workload(name, frames, [], nat ? WorkloadRecipe.SnatFlows : WorkloadRecipe.CtFlows) { ConnectionCount = Connections };
    }

    private static byte[][] TcpFrames(ConnectionTuples tuples, int i, bool nat)
    {
        (uint c, uint s, int sp, int dp) = tuples[i];
        uint back = nat ? WorkloadRecipe.NatAddress : c;
        return
        [
            FrameBuilder.Build(c, s, sp, dp, Tcp, Syn, 1000, 0),
            FrameBuilder.Build(s, back, dp, sp, Tcp, Syn | Ack, 5000, 1001),
            FrameBuilder.Build(c, s, sp, dp, Tcp, Ack, 1001, 5001),
            FrameBuilder.Build(c, s, sp, dp, Tcp, Ack, 1001, 5001),
            FrameBuilder.Build(s, back, dp, sp, Tcp, Ack, 5001, 1001),
            FrameBuilder.Build(c, s, sp, dp, Tcp, Fin | Ack, 1001, 5001),
            FrameBuilder.Build(s, back, dp, sp, Tcp, Fin | Ack, 5001, 1002),
            FrameBuilder.Build(c, s, sp, dp, Tcp, Ack, 1002, 5002),
        ];
    }

    private static byte[][] UdpFrames(ConnectionTuples tuples, int i, bool nat)
    {
        (uint c, uint s, int sp, int dp) = tuples[i];
        return [FrameBuilder.Build(c, s, sp, dp, Udp), FrameBuilder.Build(s, nat ? WorkloadRecipe.NatAddress : c, dp, sp, Udp)];
    }
}
