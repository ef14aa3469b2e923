using System.Buffers.Binary;
using System.Globalization;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>Merged rules through tunnels: with them and without, a switch sends what <see cref="RefTunnels"/> says, whatever changes in between.</summary>
public sealed class TunnelMergeProperties(ITestOutputHelper output)
{
    private const uint Below = 1, Own = 0xc0000201, PeerA = 0xc0000202, PeerB = 0xc0000203;
    private const string Underlay = "out=p1,addr=192.0.2.1,mac=02:00:00:00:01:01,gw_mac=02:00:00:00:02:02";

    private static readonly RefTunnel[] s_tunnels =
    [
        new(12, false, PeerB, 77, false), new(10, true, PeerA, null, true), new(11, true, PeerB, null, false),
    ];

    private static readonly Dictionary<string, uint> s_ports = new() { ["p1"] = 1, ["p2"] = 2, ["p3"] = 3, ["t10"] = 10, ["t11"] = 11, ["t12"] = 12 };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_leaves_is_what_the_model_says(bool isTracked)
    {
        ulong hits = 0, frames = 0;
        for (int seed = 1; seed <= 40; seed++)
        {
            (ulong h, ulong f) = Play(seed, isTracked);
            (hits, frames) = (hits + h, frames + f);
        }

        output.WriteLine($"{frames} frames, {hits} by merged rules");

        // A run in which nothing was merged proves nothing.
        Assert.True(hits * 4 > frames, $"only {hits} of {frames} frames took a merged rule");
    }

    private static (ulong Hits, ulong Frames) Play(int seed, bool isTracked)
    {
        Random random = new(seed + (isTracked ? 1000 : 0));
        RefTunnels model = new(s_tunnels, Own, Below);
        using Bed soft = new(OffloadMode.Soft), none = new(OffloadMode.None);
        RefTunnelRule[] rules = Rules(random);
        Apply(rules);
        (byte[] Inner, uint Port, bool IsBelow, RefTunnel? Tunnel, uint Key, uint? Option)[] flows = [.. Enumerable.Range(0, 8).Select(i => Flow(random, i))];
        ulong frames = 0;
        for (int i = 0; i < 400; i++)
        {
            if (random.Next(60) == 0) Apply(rules = Rules(random));
            if (random.Next(80) == 0) Each(static b => b.Simulator.Datapath.FlushConntrack(null, 0));
            if (random.Next(80) == 0) Each(static b => b.Simulator.Datapath.PurgeMegaflows(0));
            var flow = flows[random.Next(flows.Length)];
            byte[] inner = (byte[])flow.Inner.Clone();

            // What is read of a packet differs sometimes within its flow, and so does the way back.
            if (random.Next(6) == 0) inner[14 + 1] = (byte)random.Next(256);
            if (random.Next(6) == 0) inner[14 + 8] = (byte)random.Next(1, 4);
            if (random.Next(2) == 0) Reverse(inner);
            RefTunnels.FinishIp(inner.AsSpan(14));
            uint key = random.Next(10) == 0 ? flow.Key ^ 1 : flow.Key;
            uint? option = random.Next(10) == 0 ? flow.Option is null ? 5u : null : flow.Option;
            byte[] frame = flow.Tunnel is { } t
                ? RefTunnels.Encapsulate(t.IsGeneve, t.Remote, Own, (byte)(random.Next(4) == 0 ? random.Next(4) : 0), key, t.IsGeneve ? option : null, random.Next(3) == 0, inner)
                : inner;
            uint port = flow.Tunnel is null ? flow.Port : Below;
            string[] expected = [.. model.Forward(port, frame, rules)];
            string[] bySoft = soft.Send(port, frame, model), byNone = none.Send(port, frame, model);
            string context = $"seed {seed}, frame {i}, port {port}: {Convert.ToHexStringLower(frame)}";
            Assert.True(expected.SequenceEqual(byNone), $"{context}\nexpected {string.Join("\n         ", expected)}\nwithout  {string.Join("\n         ", byNone)}");
            Assert.True(expected.SequenceEqual(bySoft), $"{context}\nexpected {string.Join("\n         ", expected)}\nmerged   {string.Join("\n         ", bySoft)}");
            frames++;
        }

        // Each packet is counted for the rules that handled it, whether by a merged rule or not.
        Assert.Equal(none.Counters(), soft.Counters());
        return (soft.Simulator.Report().OffloadHits, frames);

        void Apply(RefTunnelRule[] to) => Each(b => b.Apply(to, isTracked));

        void Each(Action<Bed> what)
        {
            what(soft);
            what(none);
        }
    }

    private static RefTunnelRule[] Rules(Random random)
    {
        List<RefTunnelRule> rules = [];
        foreach (uint port in (uint[])[2, 3, 10, 11, 12])
        {
            if (port >= 10 && random.Next(2) == 0) rules.Add(Rule(random, port, (uint)(7 + random.Next(2))));
            if (random.Next(8) != 0) rules.Add(Rule(random, port, null));
        }

        return [.. rules];
    }

    private static RefTunnelRule Rule(Random random, uint port, uint? key)
    {
        uint[] all = [2, 3, 10, 11, 12];
        return new RefTunnelRule(port, key, random.Next(2) == 0, random.Next(3) == 0 ? (byte)(4 * random.Next(64)) : null, random.Next(2) == 0 ? 0x0200_0000_aa00UL + (ulong)random.Next(4) : null,
            random.Next(2) == 0 ? (uint)random.Next(1, 1 << 24) : null, random.Next(2) == 0 ? (uint)random.Next() : null, [.. all.OrderBy(_ => random.Next()).Take(random.Next(1, 4))]);
    }

    private static (byte[] Inner, uint Port, bool IsBelow, RefTunnel? Tunnel, uint Key, uint? Option) Flow(Random random, int i)
    {
        byte[] inner = new byte[14 + 20 + 8 + random.Next(6, 40)];
        random.NextBytes(inner);
        (inner[0], inner[6], inner[12], inner[13]) = (2, 2, 8, 0);
        Span<byte> ip = inner.AsSpan(14), udp = ip[20..];
        BinaryPrimitives.WriteUInt16BigEndian(ip, 0x4500);
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)ip.Length);
        ip.Slice(4, 4).Clear();
        (ip[8], ip[9]) = (64, 17);
        BinaryPrimitives.WriteUInt32BigEndian(ip[12..], 0x0a000000 + (uint)i);
        BinaryPrimitives.WriteUInt32BigEndian(ip[16..], 0x0a000100 + (uint)i);
        BinaryPrimitives.WriteUInt32BigEndian(udp, 0x10002000 + (uint)i);
        BinaryPrimitives.WriteUInt16BigEndian(udp[4..], (ushort)udp.Length);
        BinaryPrimitives.WriteUInt16BigEndian(udp[6..], 0);
        RefTunnel? tunnel = i % 2 == 0 ? s_tunnels[random.Next(3)] : null;
        return (inner, (uint)random.Next(2, 4), tunnel is not null, tunnel, tunnel?.Key ?? (uint)(7 + random.Next(2)), random.Next(2) == 0 ? (uint)random.Next() : null);
    }

    private static void Reverse(byte[] inner)
    {
        Span<byte> ip = inner.AsSpan(14);
        uint source = BinaryPrimitives.ReadUInt32BigEndian(ip[12..]), ports = BinaryPrimitives.ReadUInt32BigEndian(ip[20..]);
        BinaryPrimitives.WriteUInt32BigEndian(ip[12..], BinaryPrimitives.ReadUInt32BigEndian(ip[16..]));
        BinaryPrimitives.WriteUInt32BigEndian(ip[16..], source);
        BinaryPrimitives.WriteUInt32BigEndian(ip[20..], (ports << 16) | (ports >> 16));
    }

    private sealed class Bed : IOutputSink, IDisposable
    {
        private readonly List<(uint Port, byte[] Frame)> _sent = [];
        private readonly FlowTextParser _parser = new(new PortNames(s_ports));
        private long _events;

        public Bed(OffloadMode mode)
        {
            var tunnels = new TunnelPortParser(new PortNames(s_ports));
            Simulator = new Simulator(
                new SimulatorOptions
                {
                    Ports = [.. s_ports.Select(static p => (p.Key, p.Value))],
                    Tunnels =
                    [
                        tunnels.Parse(10, $"type=geneve,remote_ip=192.0.2.2,key=flow,csum=true,{Underlay}"), tunnels.Parse(11, $"type=geneve,remote_ip=192.0.2.3,key=flow,{Underlay}"),
                        tunnels.Parse(12, $"type=vxlan,remote_ip=192.0.2.3,key=77,{Underlay}"),
                    ],
                    Offload = mode,
                    BatchSize = 1,
                    PacketCapacity = 256,
                    GuardPages = true,
                    FrameCapacityBytes = 2048,
                },
                this);
            Simulator.Pipeline.SetOption(new GeneveOption(0x102, 0x80, 4));
        }

        public Simulator Simulator { get; }

        public void Apply(RefTunnelRule[] rules, bool isTracked)
        {
            List<string> lines = [];
            for (int i = 0; i < rules.Length; i++)
            {
                RefTunnelRule r = rules[i];
                string match = string.Create(CultureInfo.InvariantCulture, $"priority={100 - i},ip,in_port={r.InPort}{(r.Key is { } k ? $",tun_id={k}" : "")}");
                List<string> actions = [];
                if (r.DecrementsTtl) actions.Add("dec_ttl");
                if (r.Tos is { } tos) actions.Add($"mod_nw_tos:{tos}");
                if (r.NewDestination is { } mac) actions.Add($"set_field:{string.Join(':', Enumerable.Range(0, 6).Select(b => ((mac >> (40 - (8 * b))) & 0xff).ToString("x2", CultureInfo.InvariantCulture)))}->eth_dst");
                if (r.NewKey is { } key) actions.Add($"set_field:0x{key:x}->tun_id");
                if (r.NewOption is { } option) actions.Add($"set_field:0x{option:x}->tun_metadata0");
                actions.AddRange(r.Outputs.Select(static o => $"output:{o}"));
                string text = string.Join(',', actions);
                if (!isTracked)
                {
                    lines.Add($"add table=0,{match},actions={text}");
                    continue;
                }

                // Committed or not, it goes on in the same way: the model knows no connections.
                lines.Add($"add table=0,{match},actions=ct(table=1,zone=5)");
                lines.Add($"add table=1,{match},ct_state=+new,actions=ct(commit,zone=5),{text}");
                lines.Add($"add table=1,{match},ct_state=-new,actions={text}");
            }

            Simulator.ApplyFlowMods(_parser.ParseFlows("delete\n" + string.Join("\n", lines)));
        }

        public string[] Send(uint port, byte[] frame, RefTunnels model)
        {
            _sent.Clear();
            Simulator.Receive(port, frame, _events++);
            Simulator.ProcessPending();
            return [.. _sent.Select(s => s.Port == Below ? $"{s.Port}: {model.Describe(s.Frame)}" : $"{s.Port}: {Convert.ToHexStringLower(s.Frame)}")];
        }

        public string Counters()
        {
            Simulator.Report();
            return string.Join('\n', Simulator.Pipeline.Rules.Select(static r => $"{r.Table} {r.Priority} {r.Packets} {r.Bytes}"))
                + string.Join(' ', s_ports.Values.Select(p => $"{p}={Simulator.Datapath.Pmd.Ports.CountersOf(p)}"));
        }

        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => _sent.Add((port, frame.ToArray()));

        public void Dispose() => Simulator.Dispose();
    }
}
