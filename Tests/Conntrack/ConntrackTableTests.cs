using Xunit;
using static Mergeflow.Tests.CtBench;
using static Mergeflow.Tests.Frames;

namespace Mergeflow.Tests;

public sealed class ConntrackTableTests
{
    [Fact]
    public void The_table_is_a_dictionary_with_expiry()
    {
        using var b = new CtBench(new ConntrackOptions { CapacityConnections = 600, Seed = 11 });
        Dictionary<int, long> model = [];
        var random = new Random(1);
        for (int i = 0; i < 20_000; i++)
        {
            b.NowMs += random.Next(40);
            int port = random.Next(1, 900);
            bool live = model.TryGetValue(port, out long expiryMs) && b.NowMs < expiryMs;
            int liveCount = model.Values.Count(e => b.NowMs < e);
            if (random.Next(3) == 0 || (!live && liveCount >= 500))
            {
                Assert.Equal(live ? EstReply : CtBench.New, b.Send(Udp("10.0.0.2", 53, "10.0.0.1", port)));
                if (live) model[port] = b.NowMs + 30_000;
                else model.Remove(port);
            }
            else if (!live)
            {
                Assert.Equal(CtBench.New, b.Send(Udp("10.0.0.1", port, "10.0.0.2", 53), Commit()));
                Assert.True(b.Last.ConnId > 0);
                model[port] = b.NowMs + 60_000;
            }
            if (random.Next(50) == 0) b.Ct.Step(b.NowMs);
            if (random.Next(500) == 0)
            {
                b.Ct.ExpireAll(b.NowMs);
                Assert.Equal(model.Values.Count(e => b.NowMs < e), b.Ct.Count);
                Assert.Equal(b.Ct.Count, b.Ct.Snapshot(b.NowMs).Count());
            }
        }
    }

    [Fact]
    public void Expiry_is_exact_over_both_levels_of_the_wheel()
    {
        using var b = new CtBench();
        List<long> expiries = [];
        for (int i = 0; i < 300; i++)
        {
            uint seconds = (uint)(1 + (i * 977 % 400_000));
            b.Ct.SetTimeoutPolicy(new CtTimeoutPolicy((uint)i + 1, new Dictionary<CtTimeout, uint> { [CtTimeout.OtherFirst] = seconds }));
            b.NowMs += 3;
            b.Send(Udp("10.0.0.1", i + 1, "10.0.0.2", 53), Commit() with { TimeoutPolicy = (uint)i + 1 });
            expiries.Add(b.NowMs + (seconds * 1000L));
        }
        foreach (long expiryMs in expiries.Order().ToList())
        {
            b.Ct.ExpireAll(expiryMs - 1);
            Assert.Equal(expiries.Count(e => e > expiryMs - 1), b.Ct.Count);
            b.Ct.ExpireAll(expiryMs);
            Assert.Equal(expiries.Count(e => e > expiryMs), b.Ct.Count);
        }
    }

    [Fact]
    public void Step_is_bounded_and_gets_there()
    {
        using var b = new CtBench();
        for (int port = 1; port <= 2000; port++) b.Send(Udp("10.0.0.1", port, "10.0.0.2", 53), Commit());
        b.NowMs += 61_000;
        int steps = 0;
        while (b.Ct.Step(b.NowMs) is int handled && handled > 0)
        {
            Assert.InRange(handled, 1, 256);
            steps++;
        }
        Assert.Equal(0, b.Ct.Count);
        Assert.InRange(steps, 8, 20);
    }

    [Fact]
    public void One_million_connections_fit_into_half_a_gibibyte()
    {
        using var b = new CtBench(new ConntrackOptions { CapacityConnections = 1_000_000, Seed = 5 });
        Assert.InRange(b.Ct.ReservedBytes, 1ul, 512ul << 20);
        PacketRef packet = b.Probe.Receive(Udp("10.0.0.1", 1, "10.0.0.2", 53));
        packet.Flags |= PacketFlags.IpCsumGood | PacketFlags.L4CsumGood;
        DpCt commit = Commit();
        for (uint i = 0; i < 1_000_000; i++)
        {
            Native.Be32 src = Native.Be32.FromHost(0x0a000000 + i);
            packet.Key.NwSrc = src;
            BitConverter.TryWriteBytes(packet.Frame[26..], src.Raw);
            ConntrackProbe.Clear(packet);
            if (b.Probe.ExecuteHashed(packet, commit, b.NowMs).ConnId < 0) Assert.Fail($"connection {i} was refused");
        }
        Assert.Equal(1_000_000, b.Ct.Count);
        for (uint i = 0; i < 1_000_000; i += 997)
        {
            Assert.Equal(EstReply, b.Send(Udp("10.0.0.2", 53, $"10.{(i >> 16) & 255}.{(i >> 8) & 255}.{i & 255}", 1)));
        }
    }

    [Fact]
    public void A_packet_costs_no_managed_memory()
    {
        using var b = new CtBench();
        DpCt look = Lookup(nat: true), nat = Nat(NatKind.Src, "198.51.100.1");
        PacketRef packet = b.Probe.Receive(Udp("10.0.0.1", 1, "10.0.0.2", 53));
        packet.Flags |= PacketFlags.IpCsumGood | PacketFlags.L4CsumGood;
        byte[] original = packet.Frame.ToArray();
        FlowKey key = packet.WholeKey();
        long before = 0;
        for (ushort i = 1; i < 2000; i++)
        {
            if (i == 100) before = GC.GetAllocatedBytesForCurrentThread();
            original.CopyTo(packet.Frame);
            packet.SetKey(ref key);
            packet.Key.TpSrc = Native.Be16.FromHost(i);
            BitConverter.TryWriteBytes(packet.Frame[34..], packet.Key.TpSrc.Raw);
            b.Probe.Execute(packet, look, b.NowMs);
            b.Probe.Execute(packet, nat, b.NowMs);
            b.Ct.Step(b.NowMs += 100);
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(b.Ct.Count > 100);
    }

    [Fact]
    public void Garbage_is_invalid_and_nothing_breaks()
    {
        using var b = new CtBench();
        b.OpenTcp();
        byte[][] seeds =
        [
            Forward(Ack, 101, 501, 40), Udp("10.0.0.1", 1, "10.0.0.2", 2), Udp("fd00::1", 1, "fd00::2", 2), Echo("10.0.0.1", "10.0.0.2", 7),
            Unreachable("10.0.0.2", "10.0.0.1", Forward(Ack, 101, 501, 40), 20), Unreachable("fd00::2", "fd00::1", Udp("fd00::1", 1, "fd00::2", 2), 8),
        ];
        var random = new Random(9);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] f = [.. seeds[random.Next(seeds.Length)]];
            for (int n = random.Next(4); n >= 0; n--) f[random.Next(f.Length)] = (byte)random.Next(256);
            if (random.Next(2) == 0) f = f[..random.Next(14, f.Length)];
            PacketRef packet = b.Probe.Receive(f);
            if (random.Next(2) == 0) packet.Flags |= PacketFlags.IpCsumGood | PacketFlags.L4CsumGood;
            CtVerdict verdict = b.Probe.Execute(packet, random.Next(2) == 0 ? Lookup(nat: true) : Nat(NatKind.Src, "198.51.100.1"), b.NowMs += 10);
            if (verdict.Disposition == CtDisposition.Held) continue;
            Assert.True((verdict.State & CtState.Trk) != 0);
            if (verdict.Disposition == CtDisposition.Continue) b.Probe.Return(packet);
            else foreach (PacketRef p in b.Probe.Released()) b.Probe.Return(p);
        }
        Assert.Equal(b.Ct.HeldFragments, b.Probe.PacketsInUse);
    }
}
