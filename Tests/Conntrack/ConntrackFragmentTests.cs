using Xunit;
using static Mergeflow.Tests.CtBench;
using static Mergeflow.Tests.Frames;

namespace Mergeflow.Tests;

public sealed class ConntrackFragmentTests
{
    private static readonly ConntrackOptions s_options = new() { IpfMinV4 = 400, IpfMinV6 = 500, MaxFragments = 8, Seed = 3 };

    private static List<byte[]> Datagram(ushort id = 5) => Fragment(Udp("10.0.0.1", 1000, "203.0.113.9", 53, payload: 1992), 800, id);

    [Theory]
    [InlineData(0, 1, 2)]
    [InlineData(2, 0, 1)]
    [InlineData(1, 2, 0)]
    public void Fragments_leave_together_in_order_of_position(int a, int b, int c)
    {
        using var t = new CtBench(s_options);
        List<byte[]> parts = Datagram();
        Assert.Equal(CtDisposition.Held, Give(t, parts[a], Commit()).Disposition);
        Assert.Equal(CtDisposition.Held, Give(t, parts[b], Commit()).Disposition);
        CtVerdict verdict = Give(t, parts[c], Commit());
        Assert.Equal(CtDisposition.Released, verdict.Disposition);
        Assert.False(verdict.Offloadable);
        PacketRef[] released = t.Probe.Released();
        Assert.Equal(parts, released.Select(p => p.Frame.ToArray()));
        Assert.All(released, p => Assert.Equal(CtBench.New, p.Key.CtState));
        Assert.All(released, p => Assert.Equal(1000, p.WholeKey().CtTpSrc.Host));
        Assert.Equal((0, 1), (t.Ct.HeldFragments, t.Ct.Count));
    }

    [Fact]
    public void A_translated_datagram_leaves_in_translated_fragments()
    {
        using var t = new CtBench(s_options);
        DpCt nat = Nat(NatKind.Src, "198.51.100.1", portMin: 6000);
        foreach (byte[] part in Datagram()) Give(t, part, nat);
        PacketRef[] released = t.Probe.Released();
        Assert.Equal("198.51.100.1:6000 > 203.0.113.9:53", Flow(released[0].Frame));
        Assert.Equal(6000, released[0].Key.TpSrc.Host);
        byte[] whole = [.. released[0].Frame, .. released[1].Frame[L4At..], .. released[2].Frame[L4At..]];
        foreach (PacketRef p in released)
        {
            Assert.Equal(0xc6336401u, p.Key.NwSrc.Host);
            Assert.Equal(0, Native.InternetChecksum.Compute(p.Frame.Slice(Ipv4At, 20)));
        }
        (whole[16], whole[17], whole[20], whole[21]) = (2020 >> 8, 2020 & 0xff, 0, 0);
        Repair(whole, 0, -1);
        Assert.True(AreChecksumsRight(whole, IpProto.Udp));
    }

    [Fact]
    public void A_damaged_datagram_is_invalid_as_a_whole()
    {
        using var t = new CtBench(s_options);
        List<byte[]> parts = Datagram();
        parts[1][^1] ^= 1;
        foreach (byte[] part in parts) Give(t, part, Commit());
        Assert.All(t.Probe.Released(), p => Assert.Equal(Invalid, p.Key.CtState));
        Assert.Equal(3, t.Probe.Released().Length);
    }

    [Fact]
    public void Too_small_or_overlapping_is_invalid_at_once()
    {
        using var t = new CtBench(s_options);
        List<byte[]> parts = Datagram();
        Assert.Equal(Invalid, Give(t, Fragment(Udp("10.0.0.1", 1, "10.0.0.2", 2, payload: 700), 376, 9)[0], Commit()).State);
        Give(t, parts[0], Commit());
        Assert.Equal(Invalid, Give(t, parts[0], Commit()).State);
        Assert.Equal(1, t.Ct.HeldFragments);
        Give(t, parts[1], Commit());
        Assert.Equal(CtDisposition.Released, Give(t, parts[2], Commit()).Disposition);
    }

    /// <summary>Bytes 800 to 1599 are held: what ends in them or begins in them is refused.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void An_overlap_at_either_end_is_invalid(int part)
    {
        using var t = new CtBench(s_options);
        Assert.Equal(CtDisposition.Held, Give(t, Datagram()[1], Commit()).Disposition);
        Assert.Equal(Invalid, Give(t, Fragment(Udp("10.0.0.1", 1000, "203.0.113.9", 53, payload: 1992), 1200, 5)[part], Commit()).State);
        Assert.Equal(1, t.Ct.HeldFragments);
    }

    [Fact]
    public void The_limit_on_held_fragments_holds()
    {
        using var t = new CtBench(s_options);
        for (ushort id = 0; id < 8; id++) Assert.Equal(CtDisposition.Held, Give(t, Datagram(id)[0], Commit()).Disposition);
        Assert.Equal(CtDisposition.Held, Give(t, Datagram(99)[0], Commit()).Disposition);
        Assert.Equal((8, 1, 8), (t.Ct.HeldFragments, (int)t.Ct.FragmentsEvicted, t.Probe.PacketsInUse));

        // The oldest has gone: what follows it begins anew. A datagram does not go for a fragment of its own.
        Give(t, Datagram(1)[1], Commit());
        Assert.Equal(CtDisposition.Released, Give(t, Datagram(1)[2], Commit()).Disposition);
    }

    [Fact]
    public void A_datagram_that_fills_it_all_alone_gets_no_more()
    {
        using var t = new CtBench(s_options);
        List<byte[]> parts = Fragment(Udp("10.0.0.1", 1000, "203.0.113.9", 53, payload: 7992), 800, 7);
        foreach (byte[] part in parts[..8]) Assert.Equal(CtDisposition.Held, Give(t, part, Commit()).Disposition);
        Assert.Equal(Invalid, Give(t, parts[8], Commit()).State);
        Assert.Equal((8, 0), (t.Ct.HeldFragments, (int)t.Ct.FragmentsEvicted));
        Assert.Equal(CtDisposition.Held, Give(t, Datagram(5)[0], Commit()).Disposition);
        Assert.Equal((1, 8), (t.Ct.HeldFragments, (int)t.Ct.FragmentsEvicted));
    }

    /// <summary>A source that has its share loses its own oldest datagram, whatever the others have.</summary>
    [Fact]
    public void A_source_may_hold_its_share()
    {
        using var t = new CtBench(s_options with { MaxFragments = 200 });
        byte[] Of(string src, ushort id) => Fragment(Udp(src, 1000, "203.0.113.9", 53, payload: 1992), 800, id)[0];
        Give(t, Of("10.0.0.2", 1), Commit());
        for (ushort id = 0; id < 100; id++) Give(t, Of("10.0.0.1", id), Commit());
        Assert.Equal((65, 36), (t.Ct.HeldFragments, (int)t.Ct.FragmentsEvicted));
        foreach (byte[] part in Fragment(Udp("10.0.0.2", 1000, "203.0.113.9", 53, payload: 1992), 800, 1)[1..]) Give(t, part, Commit());
        Assert.Equal(64, t.Ct.HeldFragments);
        Assert.Equal(3, t.Probe.Released().Length);
    }

    [Fact]
    public void A_late_datagram_is_dropped_by_the_next_packet()
    {
        using var t = new CtBench(s_options);
        Give(t, Datagram()[0], Commit());
        t.NowMs += 15_000;
        t.Send(Udp("10.0.0.7", 1, "10.0.0.8", 2));
        Assert.Equal(1, t.Ct.HeldFragments);
        t.NowMs++;
        t.Send(Udp("10.0.0.7", 1, "10.0.0.8", 2));
        Assert.Equal((0, 0), (t.Ct.HeldFragments, t.Probe.PacketsInUse));
        Give(t, Datagram()[0], Commit());
        t.NowMs += 25_001;
        Assert.Equal(1, t.Ct.Step(t.NowMs));
        Assert.Equal((0, 0), (t.Ct.HeldFragments, t.Probe.PacketsInUse));
    }

    [Theory]
    [InlineData(2, 0)]
    [InlineData(1, 0)]
    public void A_late_datagram_follows_the_next_packet_as_in_Open_vSwitch_3_1(int first, int second)
    {
        using var t = new CtBench(s_options with { Quirks = Quirks.Ovs31 });
        List<byte[]> parts = Datagram();
        Give(t, parts[first], Commit());
        Give(t, parts[second], Commit());
        t.NowMs += 15_001;
        byte[] next = Udp("10.0.0.7", 1, "10.0.0.8", 2);
        Assert.Equal(CtDisposition.Released, Give(t, next, Lookup()).Disposition);
        PacketRef[] released = t.Probe.Released();

        // In order of position once the first and the last have been seen, else as they arrived.
        byte[][] late = first == 2 ? [parts[second], parts[first]] : [parts[first], parts[second]];
        Assert.Equal([next, .. late], released.Select(p => p.Frame.ToArray()));
        Assert.Equal([CtBench.New, CtState.Inv, CtState.Inv], released.Select(p => p.Key.CtState));
        Assert.Equal(0, t.Ct.HeldFragments);
    }

    [Fact]
    public void A_datagram_that_is_much_too_late_goes_before_the_packet_that_would_send_it()
    {
        using var t = new CtBench(s_options with { Quirks = Quirks.Ovs31 });
        Give(t, Datagram(1)[0], Commit());
        t.NowMs += 9_000;
        Give(t, Datagram(2)[0], Commit());
        t.NowMs += 16_000;
        t.Ct.ExpireAll(t.NowMs);
        Assert.Equal(1, t.Ct.HeldFragments);
        Give(t, Udp("10.0.0.7", 1, "10.0.0.8", 2), Lookup());
        Assert.Equal(Datagram(2)[0], t.Probe.Released()[1].Frame.ToArray());
    }

    [Fact]
    public void Zones_and_ids_keep_datagrams_apart()
    {
        using var t = new CtBench(s_options);
        List<byte[]> one = Datagram(1), two = Datagram(2);
        Give(t, one[0], Lookup(1));
        Give(t, one[1], Lookup(2));
        Give(t, two[1], Lookup(1));
        Assert.Equal(CtDisposition.Held, Give(t, one[2], Lookup(1)).Disposition);
        Assert.Equal(CtDisposition.Released, Give(t, one[1], Lookup(1)).Disposition);
        Assert.Equal(2, t.Ct.HeldFragments);
    }

    [Fact]
    public void IPv6_datagrams_are_held_the_same_way()
    {
        using var t = new CtBench(s_options);
        List<byte[]> parts = FragmentIpv6(Udp("fd00::1", 1000, "fd00::9", 53, payload: 1992), 800);
        foreach (byte[] part in parts) Give(t, part, Nat(NatKind.Src, "fd01::1"));
        PacketRef[] released = t.Probe.Released();
        Assert.Equal(3, released.Length);
        Assert.All(released, p => Assert.Equal(Address("fd01::1"), p.Key.Ipv6Src));
        Assert.All(released, p => Assert.Equal(CtBench.New | CtState.SNat, p.Key.CtState));
        Assert.Equal(parts[2][62..], released[2].Frame[62..].ToArray());
        Assert.Equal(Address("fd00::1"), t.TheConnection().Orig.Src);
    }

    private static CtVerdict Give(CtBench bench, byte[] frame, DpCt action) => bench.Probe.Execute(bench.Probe.Receive(frame), action, bench.NowMs);

    private static List<byte[]> FragmentIpv6(byte[] frame, int dataBytes)
    {
        List<byte[]> fragments = [];
        byte[] data = frame[Ipv6L4At..];
        for (int at = 0; at < data.Length; at += dataBytes)
        {
            int size = Math.Min(dataBytes, data.Length - at);
            ushort offset = (ushort)(at | (at + size < data.Length ? 1 : 0));
            byte[] f = [.. frame[..Ipv6L4At], frame[20], 0, (byte)(offset >> 8), (byte)offset, 1, 2, 3, 4, .. data[at..(at + size)]];
            f[20] = 44;
            (f[18], f[19]) = ((byte)((size + 8) >> 8), (byte)(size + 8));
            fragments.Add(f);
        }
        return fragments;
    }
}
