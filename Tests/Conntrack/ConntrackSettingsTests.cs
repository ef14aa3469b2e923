using Mergeflow.Control.Bridges;
using Xunit;
using static Mergeflow.Tests.CtBench;
using static Mergeflow.Tests.Frames;

namespace Mergeflow.Tests;

/// <summary>What may be changed of connection tracking while packets pass (<c>dpctl/ct-*</c>, <c>dpctl/ipf-*</c>).</summary>
public sealed class ConntrackSettingsTests
{
    private static readonly ConntrackOptions s_options = new() { IpfMinV4 = 400, IpfMinV6 = 500, MaxFragments = 8, FragmentCapacity = 16, Seed = 3 };

    [Fact]
    public void No_more_connections_begin_than_are_allowed_and_more_do_when_that_is_raised()
    {
        using CtBench b = new();
        b.Ct.MaxConnections = 2;
        for (ushort port = 1; port <= 3; port++) b.Send(Udp("10.0.0.1", port, "10.0.0.2", 9), Commit());
        Assert.Equal((2, 1UL, 2), (b.Ct.Count, b.Ct.RefusedByFullTable, b.Ct.MaxConnections));
        b.Ct.MaxConnections = 3;
        b.Send(Udp("10.0.0.1", 3, "10.0.0.2", 9), Commit());
        Assert.Equal(3, b.Ct.Count);
    }

    [Fact]
    public void Settings_reach_a_tracker_and_what_is_taken_back_goes()
    {
        using CtBench b = new();
        ConntrackSettings settings = new() { MaxConnections = 7, TcpSeqChk = false, DefaultLimit = 5, MaxFragments = 3 };
        settings.SetZone(9, 1);
        Assert.False(settings.TrySetMinBytes(isIpv6: false, 399));
        Assert.True(settings.TrySetMinBytes(isIpv6: false, 400));
        settings.SetEnabled(isIpv6: true, false);
        settings.Apply(b.Ct);
        Assert.Equal((7, false, 5u, 3), (b.Ct.MaxConnections, b.Ct.TcpSeqChk, b.Ct.DefaultLimit, b.Ct.MaxFragments));
        Assert.Equal([9], b.Ct.LimitedZones);
        Assert.Equal((1u, 5u), (b.Ct.GetZoneLimit(9).Limit, b.Ct.GetZoneLimit(8).Limit));
        Assert.All(b.Ct.FragmentsOf(isIpv6: false), static f => Assert.Equal((400, true), (f.MinBytes, f.IsEnabled)));
        Assert.All(b.Ct.FragmentsOf(isIpv6: true), static f => Assert.False(f.IsEnabled));
        settings.RemoveZone(9);
        settings.Apply(b.Ct);
        Assert.Empty(b.Ct.LimitedZones);
    }

    [Fact]
    public void Fragments_are_counted_by_what_becomes_of_them()
    {
        using CtBench t = new(s_options);
        List<byte[]> parts = Fragment(Udp("10.0.0.1", 1000, "203.0.113.9", 53, payload: 1992), 800, 5);
        Give(t, parts[0], Commit());
        HeldDatagram held = Assert.Single(t.Ct.HeldDatagramsOf(0));
        Assert.Equal((1, HeldDatagramState.First, (byte)17, 5u), (held.FragmentCount, held.State, held.Proto, held.IpId));
        Give(t, parts[0], Commit());
        Give(t, parts[1], Commit());
        Give(t, parts[2], Commit());
        Give(t, Fragment(Udp("10.0.0.1", 1000, "203.0.113.9", 53, payload: 900), 320, 6)[0], Commit());
        FragmentFamily v4 = t.Ct.FragmentsOf(isIpv6: false).Single();
        Assert.Equal((3UL, 3UL, 1UL, 1UL), (v4.Accepted, v4.Completed, v4.Overlapped, v4.TooSmall));
        Assert.Equal(0UL, t.Ct.FragmentsOf(isIpv6: true).Single().Accepted);
    }

    [Fact]
    public void Fragments_of_a_family_that_is_switched_off_are_invalid()
    {
        using CtBench t = new(s_options);
        t.Ct.FragmentsOf(isIpv6: false).Single().IsEnabled = false;
        Give(t, Fragment(Udp("10.0.0.1", 1000, "203.0.113.9", 53, payload: 1992), 800, 5)[0], Commit());
        Assert.Equal(0, t.Ct.HeldFragments);
        Assert.Equal(1, t.Ct.FragmentsRefused);
    }

    [Fact]
    public void Room_for_fragments_can_shrink_and_grow_within_what_there_is()
    {
        using CtBench t = new(s_options);
        t.Ct.MaxFragments = 100;
        Assert.Equal(16, t.Ct.MaxFragments);
        t.Ct.MaxFragments = 1;
        Give(t, Fragment(Udp("10.0.0.1", 1000, "203.0.113.9", 53, payload: 1992), 800, 5)[0], Commit());
        Give(t, Fragment(Udp("10.0.0.3", 1000, "203.0.113.9", 53, payload: 1992), 800, 6)[0], Commit());
        Assert.Equal(1, t.Ct.HeldFragments);
    }

    private static CtVerdict Give(CtBench bench, byte[] frame, DpCt action) => bench.Probe.Execute(bench.Probe.Receive(frame), action, bench.NowMs);
}
