using System.Globalization;
using Mergeflow.Native;
using Mergeflow.Nic;

namespace Mergeflow.Perf;

/// <summary>What tunnels add to a frame in the kernel's program. A run changes the frame, so each run is a test run of its own: the least of many, beside that of a rule that only forwards, in the same program.</summary>
internal static class KernelTunnelRun
{
    private const int Runs = 20_000, Loopback = 1;

    private static readonly byte[] s_inner =
    [
        2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 46, 0, 0, 0, 0, 64, 17, 0x66, 0xbd, 10, 0, 0, 1, 10, 0, 0, 2, 3, 0xe8, 7, 0xd0, 0, 26, 0, 0, .. new byte[18],
    ];

    /// <summary>One line for each form.</summary>
    public static IEnumerable<string> Costs(CancellationToken interrupted)
    {
        foreach (BpfAttachPoint place in new[] { BpfAttachPoint.Xdp, BpfAttachPoint.TcxIngress })
        {
            using KernelNic nic = new(NicProfile.Load("kernel") with { ExactMatchEntries = 1000 }, place, seed: 9);
            nic.AddPort(new KernelPortOptions { Number = 1, Interface = Loopback, MtuBytes = 1500 });
            nic.AddPort(new KernelPortOptions { Number = 2, Interface = 1000, MtuBytes = 1500 });
            byte[] header = Outer(0), frame = Outer(s_inner.Length);
            int plainCount = Add(nic, Rule(1, 2001, [new FlowActionPort(2)]));
            Add(nic, Rule(1, 2000, [new FlowActionTunnelEncap(9, FlowTunnelType.Vxlan, header), new FlowActionPort(2)]));
            Add(nic, new FlowRule(new FlowAttr(1), [new FlowItemEth { Type = 0x0800 }, new FlowItemIpv4 { Dst = 0xc0000202, Proto = 17 }, new FlowItemUdp { Dst = 4789 }], [new FlowActionCount(), new FlowActionTunnelDecap(9, FlowTunnelType.Vxlan)]));
            FlowRule inside = Rule(9, 2000, [new FlowActionPort(2)]);
            int tunnelCount = Add(nic, inside with { Pattern = [new FlowItemTunnel { Id = 5 }, .. inside.Pattern] });
            byte[] plain = [.. s_inner];
            plain[37] = 0xd1;
            double forward = Least(nic, plain, interrupted), into = Least(nic, s_inner, interrupted), from = Least(nic, [.. frame, .. s_inner], interrupted);
            yield return string.Create(CultureInfo.InvariantCulture, $"{(place == BpfAttachPoint.Xdp ? "XDP" : "tc")}, VXLAN, ns of a single run, least of {Runs:N0}: forwarded {forward:F0}, into a tunnel {into:F0}, out of one {from:F0}; instructions {plainCount:N0} without tunnels, {tunnelCount:N0} with");
        }
    }

    private static double Least(KernelNic nic, byte[] frame, CancellationToken interrupted)
    {
        byte[] output = new byte[300];
        double least = double.MaxValue;
        for (int i = 0; i < Runs && !interrupted.IsCancellationRequested; i++) least = Math.Min(least, nic.TestRun(frame, output).NsPerRun);
        if (nic.TestRun(frame, output).Result is not (4 or 7)) throw new InvalidOperationException("no rule takes the frame");
        return least;
    }

    private static FlowRule Rule(uint port, ushort to, FlowAction[] actions)
        => new(new FlowAttr(port, FlowTable.ExactMatch), [new FlowItemEth { Type = 0x0800 }, new FlowItemIpv4 { Src = 0x0a000001, Dst = 0x0a000002, Proto = 17 }, new FlowItemUdp { Src = 1000, Dst = to }], [new FlowActionCount(), .. actions]);

    /// <summary>Adds a rule; instructions of the program then.</summary>
    private static int Add(KernelNic nic, FlowRule rule)
    {
        NicCompletion[] done = new NicCompletion[1];
        nic.EnqueueCreate(rule, 1, 1, out _);
        nic.Poll(done, 1);
        return done[0].Error is { } error ? throw new InvalidOperationException(error.Message) : nic.Program.Count;
    }

    /// <summary>Outer headers around so many bytes; 0 = as a rule has them, without lengths.</summary>
    private static byte[] Outer(int inside)
    {
        int ip = inside == 0 ? 0 : 36 + inside, udp = inside == 0 ? 0 : 16 + inside;
        byte[] h = [2, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 4, 8, 0, 0x45, 0, (byte)(ip >> 8), (byte)ip, 0, 0, 0x40, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, (byte)(inside == 0 ? 0 : 0x80), 0, 0x12, 0xb5, (byte)(udp >> 8), (byte)udp, 0, 0, 8, 0, 0, 0, 0, 0, 5, 0];
        BitConverter.TryWriteBytes(h.AsSpan(24), InternetChecksum.Compute(h.AsSpan(14, 20)));
        return h;
    }
}
