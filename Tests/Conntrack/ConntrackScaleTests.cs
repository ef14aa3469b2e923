using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Mergeflow.Native;
using Xunit;
using static Mergeflow.Tests.CtBench;
using static Mergeflow.Tests.Frames;

namespace Mergeflow.Tests;

/// <summary>
/// Memory and pauses of a full connection table, for as many connections as <c>MERGEFLOW_CONNECTIONS</c> says; skipped without it, because it
/// measures time. Half of the connections are IPv6 TCP, a quarter is plain IPv4 UDP, a quarter is translated: two entries each.
/// </summary>
[Collection("Alone")]
public sealed class ConntrackScaleTests(ITestOutputHelper output)
{
    private const long LimitBytes = 512L << 20;
    private const long LimitNs = 1_000_000;
    private const int BatchSize = 32;

    private readonly DpCt _commit = Commit(), _look = Lookup(nat: true), _translate = Nat(NatKind.Src, "198.18.0.0", "198.18.3.255");

    [Fact]
    public void A_full_table_stays_small_and_expires_without_a_pause()
    {
        bool isWanted = int.TryParse(Environment.GetEnvironmentVariable("MERGEFLOW_CONNECTIONS"), NumberStyles.None, CultureInfo.InvariantCulture, out int count);
        Assert.SkipUnless(isWanted, "MERGEFLOW_CONNECTIONS is not set");
        long before = ResidentBytes();
        using var b = new CtBench(new ConntrackOptions { CapacityConnections = count, Seed = 5 });
        PacketRef v6 = Known(b.Probe.Receive(Tcp("2001:db8::1", 1000, "2001:db8::2", 80, Syn, 1, 0)));
        PacketRef v4 = Known(b.Probe.Receive(Udp("10.0.0.1", 10_000, "10.0.0.2", 53)));
        byte[] frame4 = v4.Frame.ToArray();
        FlowKey key4 = v4.WholeKey();

        var watch = Stopwatch.StartNew();
        for (int i = 0; i < count; i++)
        {
            CtVerdict verdict = i % 2 == 0 ? CreateIpv6(b, v6, i) : CreateIpv4(b, v4, frame4, ref key4, i);
            if (verdict.ConnId < 0) Assert.Fail($"connection {i} was refused");
        }

        double createNs = watch.Elapsed.TotalNanoseconds / count;
        long used = ResidentBytes() - before;
        Assert.Equal(count, b.Ct.Count);
        output.WriteLine($"{count} connections: {used >> 20} MiB resident, {b.Ct.ReservedBytes >> 20} MiB reserved; {createNs:F0} ns to create one");
        Assert.InRange(used, 1, LimitBytes);
        Assert.InRange((long)b.Ct.ReservedBytes, 1, LimitBytes);

        // They were all made in the same millisecond, so all of one kind expire in the same one, while one connection goes on talking.
        byte[] there = Udp("192.0.2.1", 7, "192.0.2.2", 7), back = Udp("192.0.2.2", 7, "192.0.2.1", 7);
        b.Ct.FlushTuple(1, TupleOf(v4), b.NowMs);
        b.Send(there, Commit());
        PacketRef talk = Known(b.Probe.Receive(back));
        var steps = new List<long>(100_000);
        watch.Restart();
        for (int round = 0; b.Ct.Count > 1; round++)
        {
            if (round % 8 == 0) b.NowMs += 10;
            long start = MonotonicClock.ThreadRunNs;
            for (int i = 0; i < BatchSize; i++)
            {
                ConntrackProbe.Clear(talk);
                _ = b.Probe.ExecuteHashed(talk, _look, b.NowMs);
            }

            _ = b.Ct.Step(b.NowMs);
            steps.Add(MonotonicClock.ThreadRunNs - start);
        }

        steps.Sort();
        output.WriteLine(
            $"{steps.Count} batches of 32 packets with their share of the sweeping, while {count} connections expired in {watch.Elapsed.TotalSeconds:F1} s: median {steps[steps.Count / 2] / 1000.0:F1} us, "
            + $"99.99 % {steps[(int)(steps.Count * 0.9999)] / 1000.0:F1} us, longest {steps[^1] / 1000.0:F1} us (processor time of the thread)");
        Assert.InRange(steps[^1], 1, LimitNs);
    }

    private static ConnTuple TupleOf(PacketRef p) => new(
        false, Ipv6Address.FromUInt128((UInt128)p.Key.NwSrc.Host << 96), Ipv6Address.FromUInt128((UInt128)p.Key.NwDst.Host << 96), p.Key.NwProto, p.Key.TpSrc.Host, p.Key.TpDst.Host, 0, 0, 0);

    private CtVerdict CreateIpv6(CtBench b, PacketRef packet, int i)
    {
        Ipv6Address address = Ipv6Address.FromUInt128(((UInt128)0x20010db8 << 96) | (uint)(i + 2));
        packet.Key.Ipv6Src = address;
        MemoryMarshal.Write(packet.Frame[22..], address);
        ConntrackProbe.Clear(packet);
        return b.Probe.ExecuteHashed(packet, _commit, b.NowMs);
    }

    private CtVerdict CreateIpv4(CtBench b, PacketRef packet, byte[] frame, ref FlowKey key, int i)
    {
        frame.CopyTo(packet.Frame);
        packet.SetKey(ref key);
        packet.Key.NwSrc = Be32.FromHost(0x0a000000 + (uint)i);
        packet.Key.TpSrc = Be16.FromHost((ushort)(1024 + (i & 0x7fff)));
        BitConverter.TryWriteBytes(packet.Frame[26..], packet.Key.NwSrc.Raw);
        BitConverter.TryWriteBytes(packet.Frame[34..], packet.Key.TpSrc.Raw);
        return b.Probe.ExecuteHashed(packet, i % 4 == 1 ? _translate : _commit, b.NowMs);
    }

    private static PacketRef Known(PacketRef packet)
    {
        packet.Flags |= PacketFlags.IpCsumGood | PacketFlags.L4CsumGood;
        return packet;
    }

    private static long ResidentBytes()
    {
        string line = File.ReadLines("/proc/self/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) << 10;
    }
}
