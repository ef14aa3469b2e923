using Xunit;
using static Mergeflow.Tests.CtBench;
using static Mergeflow.Tests.Frames;

namespace Mergeflow.Tests;

public sealed class ConntrackOffloadTests
{
    private sealed class Heard : IConnObserver
    {
        public List<(int Id, uint Generation)> Calls { get; } = [];

        public void OnConnInvalidated(int connId, uint newGeneration) => Calls.Add((connId, newGeneration));
    }

    [Fact]
    public void The_observer_hears_of_marked_connections_only()
    {
        var heard = new Heard();
        using var b = new CtBench();
        b.Ct.Observer = heard;
        b.OpenTcp();
        CtVerdict open = b.Last;
        Assert.True(b.Ct.Offload.IsOffloadable(open.ConnId, open.Generation));
        Assert.Empty(heard.Calls);
        b.Ct.Offload.MarkOffloaded(open.ConnId);
        b.Send(Forward(Ack, 101, 501, 100));
        Assert.Equal(open.Generation, b.Last.Generation);
        Assert.Empty(heard.Calls);
        b.Send(Forward(Fin | Ack, 201, 501));
        Assert.Equal((open.ConnId, b.Ct.Offload.GenerationOf(open.ConnId)), Assert.Single(heard.Calls));
        Assert.NotEqual(open.Generation, b.Last.Generation);
        Assert.False(b.Ct.Offload.IsOffloadable(open.ConnId, b.Last.Generation));
        b.Ct.Offload.UnmarkOffloaded(open.ConnId);
        b.Ct.FlushAll();
        Assert.Single(heard.Calls);
    }

    [Theory]
    [InlineData("mark")]
    [InlineData("flush")]
    [InlineData("zone")]
    [InlineData("expiry")]
    [InlineData("rst")]
    public void Whatever_changes_a_connection_moves_its_generation(string what)
    {
        var heard = new Heard();
        using var b = new CtBench();
        b.Ct.Observer = heard;
        b.OpenTcp();
        CtVerdict open = b.Last;
        b.Ct.Offload.MarkOffloaded(open.ConnId);
        switch (what)
        {
            case "mark": b.Send(Forward(Ack, 101, 501), Commit() with { Mark = 1, MarkMask = 1 }); break;
            case "flush": b.Ct.FlushAll(); break;
            case "zone": b.Ct.FlushZone(1); break;
            case "expiry": b.Ct.ExpireAll(b.NowMs + 86_400_000); break;
            default: b.Send(Backward(Rst, 501, 0)); break;
        }
        Assert.NotEmpty(heard.Calls);
        Assert.NotEqual(open.Generation, b.Ct.Offload.GenerationOf(open.ConnId));
        Assert.False(b.Ct.Offload.IsOffloadable(open.ConnId, open.Generation));
        Assert.False(b.Probe.TryFastHit(open, b.Probe.Receive(Forward(Ack, 101, 501)), b.NowMs));
    }

    [Fact]
    public void A_fast_hit_leaves_the_connection_as_the_general_way_does()
    {
        using var slow = new CtBench();
        using var fast = new CtBench();
        slow.OpenTcp();
        fast.OpenTcp();
        CtVerdict open = fast.Last;
        uint seq = 101;
        foreach (int payload in new[] { 0, 100, 1400, 0, 1400, 7 })
        {
            slow.NowMs = fast.NowMs += 1234;
            byte[] segment = Forward(Ack, seq, 501, payload);
            slow.Send(segment);
            Assert.True(fast.Probe.TryFastHit(open, fast.Probe.Receive(segment), fast.NowMs));
            seq += (uint)payload;
            Assert.Equal(slow.TheConnection(), fast.TheConnection());
        }
        // The windows moved too: what is out of the one is out of the other.
        foreach (uint s in new[] { seq + 60_000, seq + 70_000, seq - 70_000, seq - 60_000 })
        {
            byte[] segment = Forward(Ack, s, 501, 50);
            Assert.Equal(slow.Send(segment) == Est, fast.Probe.TryFastHit(open, fast.Probe.Receive(segment), fast.NowMs));
        }
    }

    [Fact]
    public void A_fast_hit_that_cannot_be_changes_nothing()
    {
        using var b = new CtBench();
        b.OpenTcp();
        CtVerdict open = b.Last;
        ConnInfo before = b.TheConnection();
        byte[] bad = Forward(Ack, 101, 501, 10);
        bad[^1] ^= 1;
        foreach (byte[] f in new[] { bad, Forward(Fin | Ack, 101, 501), Forward(Syn, 101, 0), Forward(Rst, 101, 0), Forward(Ack, 9_000_000, 501, 1) })
        {
            Assert.False(b.Probe.TryFastHit(open, b.Probe.Receive(f), b.NowMs));
        }
        Assert.False(b.Probe.TryFastHit(open, b.Probe.Receive(Forward(Ack, 101, 501)), b.NowMs + 86_400_000));
        Assert.Equal(before, b.TheConnection());
    }

    [Fact]
    public void A_control_connection_stays_in_software()
    {
        using var b = new CtBench();
        DpCt ftp = Commit() with { Flags = DpCtFlags.Commit | DpCtFlags.AlgFtp };
        b.Send(Tcp("10.0.0.1", 1000, "10.0.0.2", 21, Syn, 100), ftp);
        b.Send(Tcp("10.0.0.2", 21, "10.0.0.1", 1000, Syn | Ack, 500, 101));
        Assert.Equal(Est, b.Send(Tcp("10.0.0.1", 1000, "10.0.0.2", 21, Ack, 101, 501)));
        Assert.False(b.Last.Offloadable);
        Assert.False(b.Ct.Offload.IsOffloadable(b.Last.ConnId, b.Last.Generation));
    }

    [Fact]
    public void Credit_counts_and_refreshes()
    {
        using var b = new CtBench();
        b.OpenTcp();
        CtVerdict open = b.Last;
        b.NowMs += 10_000;
        b.Ct.Offload.Credit(open.ConnId, open.Generation, reply: true, packets: 5, bytes: 500, lastUsedMs: b.NowMs - 4000);
        b.Ct.Offload.Credit(open.ConnId, open.Generation + 1, reply: true, packets: 5, bytes: 500, lastUsedMs: b.NowMs);
        ConnInfo c = b.TheConnection();
        Assert.Equal((6u, 554u, 2u, 86396L), (c.ReplyPackets, c.ReplyBytes, c.OrigPackets, c.TimeoutSeconds));
        b.Ct.Offload.Credit(open.ConnId, open.Generation, reply: false, packets: 1, bytes: 60, lastUsedMs: b.NowMs - 9000);
        Assert.Equal(86396, b.TheConnection().TimeoutSeconds);
    }

    [Fact]
    public void What_hardware_counted_before_the_FIN_is_credited_after_it()
    {
        using var b = new CtBench();
        b.OpenTcp();
        CtVerdict open = b.Last;
        b.NowMs += 1000;
        b.Send(Forward(Fin | Ack, 101, 501));
        ConnInfo closing = b.TheConnection();
        b.Ct.Offload.Credit(open.ConnId, open.Generation, reply: false, packets: 3, bytes: 180, lastUsedMs: b.NowMs - 500);
        ConnInfo credited = b.TheConnection();
        Assert.Equal(closing.OrigPackets + 3, credited.OrigPackets);
        Assert.Equal(closing.OrigBytes + 180, credited.OrigBytes);
        Assert.Equal(closing.TimeoutSeconds, credited.TimeoutSeconds);
    }

    [Fact]
    public void What_hardware_counted_for_an_older_generation_refreshes_a_connection_that_is_still_established()
    {
        using var b = new CtBench();
        b.OpenTcp();
        CtVerdict open = b.Last;
        b.NowMs += 10_000;
        Assert.Equal(86390, b.TheConnection().TimeoutSeconds);
        b.Send(Forward(Ack, 101, 501), Commit() with { Mark = 7, MarkMask = uint.MaxValue });
        Assert.NotEqual(open.Generation, b.Ct.Offload.GenerationOf(open.ConnId));
        b.NowMs += 10_000;
        b.Ct.Offload.Credit(open.ConnId, open.Generation, reply: false, packets: 1, bytes: 60, lastUsedMs: b.NowMs - 4000);
        Assert.Equal(86396, b.TheConnection().TimeoutSeconds);
    }

    [Fact]
    public void Credit_for_a_connection_that_is_gone_does_not_go_to_the_next_one_of_its_slot()
    {
        using var b = new CtBench();
        b.OpenTcp();
        CtVerdict open = b.Last;
        b.Ct.FlushAll();
        b.OpenTcp();
        Assert.Equal(open.ConnId, b.Last.ConnId);
        ConnInfo next = b.TheConnection();
        b.Ct.Offload.Credit(open.ConnId, open.Generation, reply: false, packets: 3, bytes: 180, lastUsedMs: b.NowMs);
        Assert.Equal(next.OrigPackets, b.TheConnection().OrigPackets);
        Assert.Equal(new BookTotals(3, 180), b.Ct.Offload.Credited);
        b.Ct.Offload.Credit(open.ConnId, b.Ct.Offload.GenerationOf(open.ConnId) + 1, reply: false, packets: 3, bytes: 180, lastUsedMs: b.NowMs);
        Assert.Equal(new BookTotals(3, 180), b.Ct.Offload.Credited);
    }

    [Fact]
    public void The_direct_way_and_the_general_way_agree()
    {
        // The mark forces the general way; setting it to what it is changes nothing.
        using var direct = new CtBench();
        using var general = new CtBench();
        foreach (CtBench b in new[] { direct, general })
        {
            b.OpenTcp();
            b.Send(Forward(Ack, 101, 501), Commit() with { Mark = 3, MarkMask = 3 });
        }
        var random = new Random(5);
        for (int i = 0; i < 500; i++)
        {
            bool reply = random.Next(2) == 0;
            byte flags = (byte)(Ack | (random.Next(4) == 0 ? Psh : 0));
            uint seq = (uint)((reply ? 501 : 101) + random.Next(-70_000, 70_000)), ack = (uint)((reply ? 101 : 501) + random.Next(-100, 100));
            int payload = random.Next(3) * 400;
            byte[] f = reply ? Backward(flags, seq, ack, payload) : Forward(flags, seq, ack, payload);
            direct.NowMs = general.NowMs += random.Next(100);
            Assert.Equal(general.Send(f, Lookup() with { Mark = 3, MarkMask = 3 }), direct.Send(f));
            Assert.Equal((general.Last.State, general.Last.Reply, general.Last.Mark, general.Last.Offloadable), (direct.Last.State, direct.Last.Reply, direct.Last.Mark, direct.Last.Offloadable));
            Assert.Equal(general.TheConnection(), direct.TheConnection());
        }
    }
}
