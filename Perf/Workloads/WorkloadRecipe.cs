namespace Mergeflow.Perf;

/// <summary>Makes the captures and rules S1..S7 from a fixed seed. Every frame is 60 bytes; the same frames, byte for byte, as the peer's.</summary>
public static class WorkloadRecipe
{
    private const uint Seed = 20261123;
    private const int DataFrames = 131072;
    private const int Udp = 17;
    private const int Tcp = 6;

    /// <summary>Address that the SNAT scenarios translate to, host order.</summary>
    public static uint NatAddress { get; } = Ip(192, 0, 2, 1);

    /// <summary>Names that <see cref="Make"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "s1_uni", "s2_1k_uni", "s2_1k_zipf",
        "s3_k5_uni", "s3_k5_zipf", "s3_k20_uni", "s3_k20_zipf", "s3_k50_uni", "s3_k50_zipf",
        "s4_udp_1k_uni", "s4_udp_1k_zipf", "s4_udp_10k_uni", "s4_udp_10k_zipf", "s4_udp_100k_uni", "s4_udp_100k_zipf",
        "s4_tcp_10k_uni", "s4_tcp_10k_zipf", "s4_tcp_100k_uni", "s4_tcp_100k_zipf",
        "s5_udp_1k_uni", "s5_udp_1k_zipf", "s5_udp_10k_uni", "s5_udp_10k_zipf", "s5_udp_100k_uni", "s5_udp_100k_zipf",
        "s5_tcp_10k_uni", "s5_tcp_10k_zipf",
        "s6_udp", "s6_tcp", "s6_snat", "s7",
    ];

    /// <summary>Rules of the connection tracking scenario.</summary>
    public static string CtFlows { get; } = string.Join('\n',
        "table=0,priority=10,ip,ct_state=-trk,actions=ct(table=1)",
        "table=1,priority=10,ip,ct_state=+trk+new,actions=ct(commit),output:2",
        "table=1,priority=10,ip,ct_state=+trk+est,actions=output:2",
        "table=1,priority=0,actions=drop",
        "table=0,priority=0,actions=drop") + "\n";

    /// <summary>Rules of the SNAT scenario.</summary>
    public static string SnatFlows { get; } = string.Join('\n',
        "table=0,priority=10,ip,ct_state=-trk,actions=ct(nat,table=1)",
        "table=1,priority=10,ip,ct_state=+trk+new,actions=ct(commit,nat(src=192.0.2.1)),output:2",
        "table=1,priority=10,ip,ct_state=+trk+est,actions=output:2",
        "table=1,priority=0,actions=drop",
        "table=0,priority=0,actions=drop") + "\n";

    /// <summary>One workload.</summary>
    /// <exception cref="ArgumentException">The name is not in <see cref="Names"/>.</exception>
    public static Workload Make(string name)
    {
        string[] part = name.ToLowerInvariant().Split('_');
        bool zipf = part[^1] == "zipf";
        return part[0] switch
        {
            "s1" => new(name, Sequence([Frame(Ip(10, 0, 0, 1), Ip(10, 1, 0, 1), 1234, 80, Udp)], false), [], "in_port=1,actions=output:2\n", 1),
            "s2" => new(name, Sequence(S2Frames(), zipf), [], S2Flows(), 8),
            "s3" => S3(name, int.Parse(part[1][1..]), zipf),
            "s4" or "s5" => Connections(name, Size(part[2]), part[1] == "tcp" ? Tcp : Udp, part[0] == "s5", zipf),
            "s6" => S6(name, part[1]),
            "s7" => new(name, S7Frames(), [], "priority=10,udp,actions=move:OXM_OF_IPV4_SRC[]->NXM_NX_REG0[],move:OXM_OF_UDP_SRC[]->NXM_NX_REG1[0..15],output:2\npriority=0,actions=drop\n"),
            _ => throw new ArgumentException($"unknown workload \"{name}\"; known: {string.Join(' ', Names)}"),
        };
    }

    /// <summary>As S3, of any size: UDP and TCP 5-tuples spread evenly over the masks.</summary>
    /// <param name="name">Row name.</param>
    /// <param name="flowCount">5-tuples, 1..1,000,000.</param>
    /// <param name="subtables">Masks, 1..60.</param>
    /// <param name="zipf">Zipf(1.0) popularity instead of all alike.</param>
    public static Workload ManyFlows(string name, int flowCount, int subtables, bool zipf)
    {
        (List<byte[]> frames, string flows) = MultiMaskRecipe.Make(Seed, subtables, flowCount);
        return new(name, Sequence(frames, zipf), [], flows);
    }

    /// <summary>As S4 and S5, of any size: established connections, both directions.</summary>
    /// <param name="name">Row name.</param>
    /// <param name="count">Connections, 1..131,072.</param>
    /// <param name="tcp">TCP instead of UDP.</param>
    /// <param name="nat">Source NAT.</param>
    /// <param name="zipf">Zipf(1.0) popularity instead of all alike.</param>
    public static Workload ManyConnections(string name, int count, bool tcp, bool nat, bool zipf) => Connections(name, count, tcp ? Tcp : Udp, nat, zipf);

    private static int Size(string text) => text switch
    {
        "1k" => 1000,
        "10k" => 10000,
        "100k" => 100000,
        _ => throw new ArgumentException($"unknown size \"{text}\": 1k, 10k or 100k"),
    };

    private static uint Ip(int a, int b, int c, int d) => ((uint)a << 24) | ((uint)b << 16) | ((uint)c << 8) | (uint)d;

    private static byte[] Frame(uint src, uint dst, int sport, int dport, int proto, byte flags = 0x10, uint seq = 1000, uint ack = 2000)
        => FrameBuilder.Build(src, dst, sport, dport, proto, flags, seq, ack);

    private static List<byte[]> Sequence(IReadOnlyList<byte[]> flows, bool zipf)
    {
        var rng = new PythonRandom(Seed + (uint)flows.Count);
        int count = flows.Count > 1 ? Math.Max(DataFrames, flows.Count) : 4096;
        List<int> uniform = UniformOrder(rng, flows.Count, count);
        List<int> order = zipf ? ZipfOrder(rng, flows.Count, count) : uniform;
        return [.. order.Select(i => flows[i])];
    }

    private static List<int> UniformOrder(PythonRandom rng, int flowCount, int count)
    {
        var order = new List<int>(count + flowCount);
        while (order.Count < count)
        {
            int[] round = [.. Enumerable.Range(0, flowCount)];
            rng.Shuffle(round);
            order.AddRange(round);
        }

        order.RemoveRange(count, order.Count - count);
        return order;
    }

    /// <summary>Zipf(1.0); a flow's popularity has nothing to do with its index.</summary>
    private static List<int> ZipfOrder(PythonRandom rng, int flowCount, int count)
    {
        double[] cumulative = new double[flowCount];
        double total = 0;
        for (int i = 0; i < flowCount; i++) cumulative[i] = total += 1.0 / (i + 1);
        int[] byRank = [.. Enumerable.Range(0, flowCount)];
        rng.Shuffle(byRank);
        var order = new List<int>(count);
        for (int i = 0; i < count; i++)
        {
            int at = Array.BinarySearch(cumulative, rng.NextDouble() * total);
            order.Add(byRank[at < 0 ? ~at : at]);
        }

        return order;
    }

    private static List<byte[]> S2Frames()
        => [.. Enumerable.Range(0, 1000).Select(i => Frame(Ip(10, 0, i >> 8, i & 255), Ip(10, 1, i % 8, i / 8 & 127), 1024 + i, 80 + (i % 7), (i & 1) != 0 ? Udp : Tcp))];

    private static string S2Flows()
        => string.Concat(Enumerable.Range(0, 8).Select(k => $"priority=100,ip,dl_dst=02:00:00:00:00:02,nw_dst=10.1.{k}.0/24,actions=output:2\n")) + "priority=0,actions=drop\n";

    private static Workload S3(string name, int maskCount, bool zipf)
    {
        (List<byte[]> frames, string flows) = MultiMaskRecipe.Make(Seed, maskCount);
        return new(name, Sequence(frames, zipf), [], flows, MultiMaskRecipe.MegaflowCount);
    }

    private static Workload Connections(string name, int count, int proto, bool nat, bool zipf)
    {
        var setup = new List<byte[]>(3 * count);
        var original = new List<byte[]>(2 * count);
        var reply = new List<byte[]>(count);
        var tuples = new ConnectionTuples(Seed);
        for (int i = 0; i < count; i++)
        {
            (uint c, uint s, int sp, int dp) = tuples[i];
            uint back = nat ? NatAddress : c;
            if (proto == Tcp)
            {
                setup.Add(Frame(c, s, sp, dp, Tcp, 0x02, 1000, 0));
                setup.Add(Frame(s, back, dp, sp, Tcp, 0x12, 5000, 1001));
                setup.Add(Frame(c, s, sp, dp, Tcp, 0x10, 1001, 5001));
                original.Add(Frame(c, s, sp, dp, Tcp, 0x10, 1001, 5001));
                reply.Add(Frame(s, back, dp, sp, Tcp, 0x10, 5001, 1001));
            }
            else
            {
                setup.Add(Frame(c, s, sp, dp, Udp));
                setup.Add(Frame(s, back, dp, sp, Udp));
                setup.Add(Frame(c, s, sp, dp, Udp));
                original.Add(Frame(c, s, sp, dp, Udp));
                reply.Add(Frame(s, back, dp, sp, Udp));
            }
        }

        original.AddRange(reply);
        return new(name, Sequence(original, zipf), setup, nat ? SnatFlows : CtFlows);
    }

    private static Workload S6(string name, string kind)
    {
        var tuples = new ConnectionTuples(Seed);
        bool tcp = kind == "tcp";
        List<byte[]> frames =
        [
            .. Enumerable.Range(0, 100_000).Select(i => tuples[i]).Select(t
                => tcp ? Frame(t.Client, t.Server, t.SourcePort, t.DestinationPort, Tcp, 0x02, 1000, 0) : Frame(t.Client, t.Server, t.SourcePort, t.DestinationPort, Udp)),
        ];
        return new(name, frames, [], kind == "snat" ? SnatFlows : CtFlows);
    }

    private static List<byte[]> S7Frames()
        => [.. Enumerable.Range(0, 9600).Select(i => Frame(Ip(10, 32, i >> 8, i & 255), Ip(10, 128, 0, i % 16), 1024 + i, 53, Udp))];
}
