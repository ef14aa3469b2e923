using Xunit;
using static Mergeflow.Tests.CtBench;
using static Mergeflow.Tests.FragmentTrain;

namespace Mergeflow.Tests;

/// <summary>
/// Fragments that no honest sender sends: the sum of an offset and a length is more than 16 bits can hold, parts are empty or after the end. Memory behind the
/// reassembled datagram cannot be touched here.
/// </summary>
public sealed class HostileFragmentTests
{
    private static readonly ConntrackOptions s_options = new() { IpfMinV4 = 20, IpfMinV6 = 40, Seed = 3, GuardPages = true };

    /// <summary>The ping of death: a last fragment far out whose end wraps, first on the way; then all that is before it.</summary>
    [Theory]
    [InlineData(false, 65_528, 100)]
    [InlineData(false, 65_528, 9)]
    [InlineData(false, 65_512, 1000)]
    [InlineData(true, 65_520, 100)]
    [InlineData(true, 65_520, 9)]
    [InlineData(true, 65_528, 8)]
    public void A_fragment_that_ends_behind_the_largest_datagram_is_refused(bool ipv6, int offset, int sizeBytes)
    {
        using var t = new CtBench(s_options);
        Assert.Equal(Invalid, Give(t, Part(ipv6, offset, new byte[sizeBytes], more: false)).State);
        Assert.Equal(0, t.Ct.HeldFragments);
        byte[] before = new byte[offset];
        (before[1], before[3], before[4], before[5]) = (1, 53, 0, 100);
        foreach (byte[] part in Cut(ipv6, before, 1488))
        {
            SetMore(part, ipv6);
            Assert.Equal(CtDisposition.Held, Give(t, part).Disposition);
        }

        Assert.Equal(Invalid, Give(t, Part(ipv6, offset, new byte[sizeBytes], more: false)).State);
    }

    [Theory]
    [InlineData(false, 65_528, 8, true)]
    [InlineData(false, 65_528, 9, false)]
    [InlineData(false, 65_520, 16, true)]
    [InlineData(false, 65_520, 17, false)]
    [InlineData(true, 65_520, 8, true)]
    [InlineData(true, 65_520, 9, false)]
    [InlineData(true, 65_528, 1, false)]
    public void The_last_byte_may_be_at_65535(bool ipv6, int offset, int sizeBytes, bool isHeld)
    {
        using var t = new CtBench(s_options);
        CtVerdict verdict = Give(t, Part(ipv6, offset, new byte[sizeBytes], more: false));
        Assert.Equal(isHeld ? CtDisposition.Held : CtDisposition.Continue, verdict.Disposition);
        Assert.Equal(isHeld ? 1 : 0, t.Ct.HeldFragments);
        if (!isHeld) Assert.Equal(Invalid, verdict.State);
    }

    /// <summary>An IPv4 packet has at most 65,535 bytes, header included; of IPv6 the fragment header counts, too.</summary>
    [Theory]
    [InlineData(false, 65_515, true)]
    [InlineData(false, 65_516, false)]
    [InlineData(false, 65_535, false)]
    [InlineData(true, 65_487, true)]
    [InlineData(true, 65_488, false)]
    public void The_largest_datagram_is_reassembled_and_a_larger_one_is_not(bool ipv6, int sizeBytes, bool isReleased)
    {
        foreach (bool backwards in (bool[])[false, true])
        {
            using var t = new CtBench(s_options);
            List<byte[]> parts = Datagram(ipv6, sizeBytes, 1448);
            if (backwards) parts.Reverse();
            foreach (byte[] part in parts[..^1]) Assert.Equal(CtDisposition.Held, Give(t, part).Disposition);
            CtVerdict verdict = Give(t, parts[^1]);
            Assert.Equal(isReleased ? CtDisposition.Released : CtDisposition.Held, verdict.Disposition);
            if (!isReleased) continue;
            if (backwards) parts.Reverse();
            Assert.Equal(parts, t.Probe.Released().Select(p => p.Frame.ToArray()));
            Assert.All(t.Probe.Released(), p => Assert.Equal(CtBench.New, p.Key.CtState));
            Assert.Equal(0, t.Ct.HeldFragments);
        }
    }

    /// <summary>An empty fragment has no place; at position 0 it once was 65,536 bytes long.</summary>
    [Theory]
    [InlineData(false, 0, true, false)]
    [InlineData(false, 800, true, false)]
    [InlineData(false, 800, false, false)]
    [InlineData(true, 0, true, false)]
    [InlineData(true, 800, false, false)]
    [InlineData(false, 0, true, true)]
    [InlineData(true, 0, true, true)]
    public void An_empty_fragment_is_refused(bool ipv6, int offset, bool more, bool repeatsOvs31)
    {
        using var t = new CtBench(s_options with { Quirks = repeatsOvs31 ? Quirks.Ovs31 : Quirks.None });
        Assert.Equal(Invalid, Give(t, Part(ipv6, offset, [], more)).State);
        Assert.Equal((0, 0), (t.Ct.HeldFragments, (int)t.Ct.FragmentsEvicted));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_empty_last_fragment_ends_a_datagram_in_Open_vSwitch_3_1(bool ipv6)
    {
        using var t = new CtBench(s_options with { Quirks = Quirks.Ovs31 });
        byte[] udp = new byte[800];
        (udp[1], udp[3], udp[4], udp[5]) = (1, 53, 800 >> 8, 800 & 0xff);
        Give(t, Part(ipv6, 800, [], more: false));
        CtVerdict verdict = Give(t, Part(ipv6, 0, udp, more: true));
        Assert.Equal(CtDisposition.Released, verdict.Disposition);
        Assert.Equal(2, t.Probe.Released().Length);
    }

    /// <summary>Offset 0xfff8 of IPv6 came out as position 0 and became the L4 header that was tracked.</summary>
    [Fact]
    public void The_position_of_an_IPv6_fragment_does_not_wrap_to_the_first()
    {
        using var t = new CtBench(s_options);
        Assert.Equal(Invalid, Give(t, Part(true, 0xfff8, new byte[1000], more: true)).State);
        foreach (byte[] part in Datagram(true, 2000, 800)) Give(t, part);
        Assert.Equal(3, t.Probe.Released().Length);
        Assert.Equal(1000, t.TheConnection().Orig.SrcPort);
    }

    /// <summary>Every offset near the end with every size around the border, in both orders: nothing is written where it must not.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void No_pair_of_fragments_reaches_over_the_end(bool ipv6)
    {
        using var t = new CtBench(s_options);
        int first = ipv6 ? 8 : 0;
        for (int offset = 65_400; offset <= 65_528; offset += 8)
        {
            for (int size = 0; size <= 200; size++)
            {
                bool fits = size > 0 && first + offset + size - 1 <= 65_535;
                CtVerdict verdict = Give(t, Part(ipv6, offset, new byte[size], more: false, id: (ushort)(offset + size)));
                Assert.Equal(fits ? CtDisposition.Held : CtDisposition.Continue, verdict.Disposition);
                t.NowMs += 26_000;
                t.Ct.Step(t.NowMs);
                Assert.Equal((0, 0), (t.Ct.HeldFragments, t.Probe.PacketsInUse));
            }
        }
    }

    private static void SetMore(byte[] frame, bool ipv6)
    {
        if (ipv6)
        {
            frame[57] |= 1;
            return;
        }

        frame[20] |= 0x20;
        Frames.Repair(frame, 0, -1);
    }

    /// <summary>A packet that is not held or released with others goes back at once.</summary>
    private static CtVerdict Give(CtBench bench, byte[] frame)
    {
        PacketRef packet = bench.Probe.Receive(frame);
        CtVerdict verdict = bench.Probe.Execute(packet, Commit(), bench.NowMs);
        if (verdict.Disposition == CtDisposition.Continue) bench.Probe.Return(packet);
        return verdict;
    }
}
