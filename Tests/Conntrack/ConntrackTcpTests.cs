using Xunit;
using static Mergeflow.Tests.CtBench;
using static Mergeflow.Tests.Frames;

namespace Mergeflow.Tests;

public sealed class ConntrackTcpTests
{
    [Fact]
    public void Without_commit_a_connection_stays_new()
    {
        using var b = new CtBench();
        Assert.Equal(CtBench.New, b.Send(Forward(Syn, 100, 0)));
        Assert.Equal(CtBench.New, b.Send(Forward(Syn, 100, 0)));
        Assert.Equal(0, b.Ct.Count);
        Assert.Equal(-1, b.Last.ConnId);
    }

    [Fact]
    public void Three_segments_establish()
    {
        using var b = new CtBench();
        b.OpenTcp();
        Assert.True(b.Last.Offloadable);
        Assert.Equal("ESTABLISHED", b.TheConnection().State);
        Assert.Equal(86400, b.TheConnection().TimeoutSeconds);
        Assert.Equal(2u, b.TheConnection().OrigPackets);
        Assert.Equal(1u, b.TheConnection().ReplyPackets);
    }

    [Fact]
    public void A_repeated_SYN_is_new_and_data_behind_it_is_established()
    {
        using var b = new CtBench();
        Assert.Equal(CtBench.New, b.Send(Forward(Syn, 100, 0), Commit()));
        Assert.Equal(CtBench.New, b.Send(Forward(Syn, 100, 0)));
        Assert.Equal(Est, b.Send(Forward(Ack | Psh, 101, 0, 5)));
        Assert.False(b.Last.Offloadable);
    }

    [Fact]
    public void A_bare_ACK_picks_up_in_mid_stream()
    {
        using var b = new CtBench();
        Assert.Equal(CtBench.New, b.Send(Forward(Ack, 7000, 9000), Commit()));
        Assert.Equal(Est, b.Send(Forward(Ack, 7000, 9000, 20)));
        Assert.Equal(EstReply, b.Send(Backward(Ack, 9000, 7020)));
    }

    [Theory]
    [InlineData(Syn, true)]
    [InlineData(Ack, true)]
    [InlineData(Fin | Ack, true)]
    [InlineData(Rst, true)]
    [InlineData(Syn | Ack, false)]
    [InlineData(Syn | Fin, false)]
    [InlineData(0, false)]
    [InlineData(Fin | Psh | Urg, false)]
    public void Only_some_segments_may_begin_a_connection(byte flags, bool may)
    {
        using var b = new CtBench();
        Assert.Equal(may ? CtBench.New : Invalid, b.Send(Forward(flags, 100, 0), Commit()));
        Assert.Equal(may ? 1 : 0, b.Ct.Count);
    }

    [Theory]
    [InlineData(5_000_000)]
    [InlineData(-3_000_000)]
    public void Far_out_of_the_window_is_invalid_unless_checks_are_off(int offset)
    {
        foreach (bool check in new[] { true, false })
        {
            using var b = new CtBench(new ConntrackOptions { TcpSeqChk = check });
            b.OpenTcp();
            Assert.Equal(check ? Invalid : Est, b.Send(Forward(Ack, (uint)(101 + offset), 501, 10)));
        }
    }

    [Fact]
    public void A_window_scale_of_both_ends_widens_the_window()
    {
        foreach (bool scaled in new[] { true, false })
        {
            using var b = new CtBench();
            Assert.Equal(CtBench.New, b.Send(WithWScale(Forward(Syn, 100, 0), scaled ? (byte)7 : (byte)0), Commit()));
            Assert.Equal(EstReply, b.Send(WithWScale(Backward(Syn | Ack, 500, 101), scaled ? (byte)7 : (byte)0)));
            Assert.Equal(Est, b.Send(Forward(Ack, 101, 501)));
            Assert.Equal(EstReply, b.Send(Backward(Ack, 501, 101)));
            Assert.Equal(scaled ? Est : Invalid, b.Send(Forward(Ack, 101 + 1_000_000, 501, 10)));
        }
    }

    [Fact]
    public void A_SYN_on_a_live_connection_is_established()
    {
        using var b = new CtBench();
        b.OpenTcp();
        Assert.Equal(Est, b.Send(Forward(Syn, 101, 0)));
        Assert.Equal("ESTABLISHED", b.TheConnection().State);
    }

    [Fact]
    public void A_SYN_on_a_closed_connection_replaces_it()
    {
        using var b = new CtBench();
        b.OpenTcp();
        CtVerdict open = b.Last;
        Assert.Equal(EstReply, b.Send(Backward(Rst | Ack, 501, 101)));
        Assert.Equal("TIME_WAIT", b.TheConnection().State);
        Assert.Equal(CtBench.New, b.Send(Forward(Syn, 90_000, 0), Commit()));
        Assert.Equal("SYN_SENT", b.TheConnection().State);
        Assert.True(b.Last.Changed);
        Assert.NotEqual(open.Generation, b.Ct.Offload.GenerationOf(open.ConnId));
    }

    [Fact]
    public void Timeouts_follow_the_state()
    {
        using var b = new CtBench();
        Assert.Equal(CtBench.New, b.Send(Forward(Syn, 100, 0), Commit()));
        Assert.Equal(30, b.TheConnection().TimeoutSeconds);
        b.Send(Backward(Syn | Ack, 500, 101));
        Assert.Equal(30, b.TheConnection().TimeoutSeconds);
        b.Send(Forward(Ack, 101, 501));
        Assert.Equal(86400, b.TheConnection().TimeoutSeconds);
        b.Send(Forward(Fin | Ack, 101, 501));
        Assert.Equal(900, b.TheConnection().TimeoutSeconds);
        b.Send(Backward(Fin | Ack, 501, 102));
        Assert.Equal(45, b.TheConnection().TimeoutSeconds);
        b.Send(Forward(Ack, 102, 502));
        Assert.Equal(30, b.TheConnection().TimeoutSeconds);
        Assert.Equal("TIME_WAIT", b.TheConnection().State);
    }

    [Fact]
    public void A_bad_checksum_or_port_zero_is_invalid()
    {
        using var b = new CtBench();
        byte[] badTcp = Forward(Syn, 1, 0), badIp = Forward(Syn, 1, 0), shortHeader = Forward(Syn, 1, 0);
        badTcp[^1] ^= 1;
        badIp[Ipv4At + 8]--;
        shortHeader[L4At + 12] = 0x40;
        Repair(shortHeader, IpProto.Tcp, 16);
        Assert.Equal(Invalid, b.Send(badTcp, Commit()));
        Assert.Equal(Invalid, b.Send(badIp, Commit()));
        Assert.Equal(Invalid, b.Send(shortHeader, Commit()));
        Assert.Equal(Invalid, b.Send(Tcp("10.0.0.1", 0, "10.0.0.2", 80, Syn), Commit()));
        Assert.Equal(0, b.Ct.Count);
    }

    [Fact]
    public void A_verified_checksum_is_not_checked_again()
    {
        using var b = new CtBench();
        byte[] bad = Forward(Syn, 1, 0);
        bad[^1] ^= 1;
        PacketRef packet = b.Probe.Receive(bad);
        packet.Flags |= PacketFlags.L4CsumGood;
        Assert.Equal(CtBench.New, b.Probe.Execute(packet, Commit(), b.NowMs).State);
        packet = b.Probe.Receive(Forward(Syn, 1, 0));
        packet.Flags |= PacketFlags.L4CsumBad;
        Assert.Equal(Invalid, b.Probe.Execute(packet, Commit(), b.NowMs).State);
    }

    private static byte[] WithWScale(byte[] frame, byte shift)
    {
        byte[] f = [.. frame, 2, 4, 5, 180, 3, 3, shift, 1];
        f[Ipv4At + 3] += 8;
        f[L4At + 12] = 0x70;
        Repair(f, IpProto.Tcp, 16);
        return f;
    }
}
