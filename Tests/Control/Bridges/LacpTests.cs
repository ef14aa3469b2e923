using Mergeflow.Control.Bridges;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Two ends that speak LACP over wires that can be cut (IEEE 802.1AX).</summary>
public sealed class LacpTests
{
    private readonly Lacp _a, _b;
    private readonly HashSet<uint> _cut = [];
    private readonly Queue<(Lacp To, uint Port, byte[] Frame)> _wire = new();
    private long _nowMs = 1;
    private int _sent;

    public LacpTests()
    {
        (_a, _b) = (new Lacp("a", static _ => { }), new Lacp("b", static _ => { }));
        Configure(_a, 0x0a, isActive: true);
        Configure(_b, 0x0b, isActive: false);
        foreach (uint port in (uint[])[1, 2])
        {
            _a.SetCarrier(port, true, _nowMs);
            _b.SetCarrier(port, true, _nowMs);
        }
    }

    [Fact]
    public void An_active_and_a_passive_end_agree_on_all_links()
    {
        Pass(5000);
        Assert.True(_a.IsNegotiated && _b.IsNegotiated);
        Assert.All((uint[])[1, 2], p => Assert.True(_a.MayEnable(p) && _b.MayEnable(p)));
        string shown = _a.Show();
        Assert.Contains("  status: active negotiated\n  sys_id: 00:00:00:00:00:0a\n", shown, StringComparison.Ordinal);
        Assert.Contains("member: m1: current attached\n", shown, StringComparison.Ordinal);
        Assert.Contains("  partner state: timeout aggregation synchronized collecting distributing\n", shown, StringComparison.Ordinal);
    }

    [Fact]
    public void A_link_that_is_silent_expires_after_three_messages_and_is_forgotten_after_three_more()
    {
        Pass(5000);
        _cut.Add(2);
        Pass(1900);
        Assert.True(_a.MayEnable(2));
        Pass(1200);
        Assert.False(_a.MayEnable(2));
        Assert.Contains("member: m2: expired", _a.Show(), StringComparison.Ordinal);
        Pass(3500);
        Assert.Contains("member: m2: defaulted detached", _a.Show(), StringComparison.Ordinal);
        Assert.True(_a.MayEnable(1));
        _cut.Clear();
        Pass(31_000);
        Assert.True(_a.MayEnable(2));
    }

    [Fact]
    public void A_link_that_was_away_is_asked_about_at_once()
    {
        Pass(5000);
        foreach (bool isUp in (bool[])[false, true])
        {
            _a.SetCarrier(2, isUp, _nowMs);
            _b.SetCarrier(2, isUp, _nowMs);
            Assert.False(_a.MayEnable(2));
            Pass(isUp ? 2000 : 10_000);
        }

        Assert.True(_a.MayEnable(2) && _b.MayEnable(2));
    }

    [Fact]
    public void Two_passive_ends_say_nothing()
    {
        Configure(_a, 0x0a, isActive: false);
        _cut.UnionWith([1, 2]);
        Pass(4000);
        _cut.Clear();
        _sent = 0;
        Pass(5000);
        Assert.Equal(0, _sent);
        Assert.False(_a.IsNegotiated);
    }

    [Fact]
    public void Links_to_another_system_stay_out()
    {
        Lacp c = new("c", static _ => { });
        Configure(c, 0x0c, isActive: true);
        c.SetCarrier(1, true, _nowMs);
        Pass(5000);
        _cut.Add(2);
        for (int i = 0; i < 5; i++)
        {
            c.Run(_nowMs, (port, actor, partner) => _a.Receive(2, LacpFrame.Write(1, actor, partner), _nowMs));
            Pass(1000);
        }

        Assert.True(_a.MayEnable(1));
        Assert.False(_a.MayEnable(2));
    }

    [Fact]
    public void A_wire_to_oneself_is_no_agreement()
    {
        _cut.UnionWith([1, 2]);
        _a.Run(_nowMs, (port, actor, partner) => _a.Receive(3 - port, LacpFrame.Write(1, actor, partner), _nowMs));
        Pass(1000);
        Assert.False(_a.MayEnable(1) || _a.MayEnable(2));
    }

    [Fact]
    public void What_is_no_message_changes_nothing()
    {
        Pass(5000);
        string before = _a.Show();
        Random random = new(5);
        for (int i = 0; i < 2000; i++)
        {
            byte[] frame = new byte[random.Next(130)];
            random.NextBytes(frame);
            if (frame.Length > 14) frame[14] = (byte)(1 + (i % 2));
            _a.Receive(1, frame, _nowMs);
        }

        Assert.Equal(before, _a.Show());
    }

    [Fact]
    public void A_message_reads_as_it_was_written()
    {
        LacpInfo actor = new(1, 0x0102_0304_0506, 7, 8, 9, LacpState.Active | LacpState.Expired), partner = new(10, 0x0a0b_0c0d_0e0f, 11, 12, 13, LacpState.Short);
        byte[] frame = LacpFrame.Write(0x0200_0000_0001, actor, partner);
        Assert.Equal(124, frame.Length);
        Assert.True(LacpFrame.TryRead(frame, out LacpInfo a, out LacpInfo p, out _));
        Assert.Equal((actor, partner), (a, p));
    }

    private static void Configure(Lacp lacp, ulong id, bool isActive)
        => lacp.Configure(new LacpOptions { IsActive = isActive, SystemId = id, SystemPriority = 1, IsFast = true }, new Dictionary<uint, LacpMemberOptions> { [1] = new("m1", 1, 1, 0), [2] = new("m2", 2, 1, 0) });

    private void Pass(int ms)
    {
        for (long end = _nowMs + ms; _nowMs < end; _nowMs += 100)
        {
            _a.Run(_nowMs, (port, actor, partner) => Put(_b, port, actor, partner));
            _b.Run(_nowMs, (port, actor, partner) => Put(_a, port, actor, partner));
            while (_wire.TryDequeue(out (Lacp To, uint Port, byte[] Frame) next)) next.To.Receive(next.Port, next.Frame, _nowMs);
        }
    }

    private void Put(Lacp to, uint port, LacpInfo actor, LacpInfo partner)
    {
        _sent++;
        if (!_cut.Contains(port)) _wire.Enqueue((to, port, LacpFrame.Write(port, actor, partner)));
    }
}
