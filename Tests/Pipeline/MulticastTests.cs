using System.Net;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Multicast snooping: what messages of hosts and routers do to the table, and where <c>normal</c> sends packets then (RFC 4541; OVS <c>xlate_normal</c>).</summary>
public sealed class MulticastTests : IDisposable
{
    private const string Group = "239.1.2.3";

    private readonly PipelineBed _bed = new("actions=normal", portCount: 6);

    public MulticastTests() => _bed.Pipeline.SetMulticast(new MulticastPlan());

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void A_packet_goes_to_the_ports_that_have_asked_for_its_group_and_to_routers()
    {
        Assert.Equal("2,3,4,5,6", To(1, Group));
        Join(3, Group);
        Assert.Equal("3", To(1, Group));
        Join(2, Group);
        Query(6);
        Assert.Equal("3,2,6", To(1, Group));
        Assert.Equal("3,6", To(2, Group));
        Assert.Equal("2,3,4,5,6", To(1, "239.1.2.4"));
    }

    [Fact]
    public void Groups_that_nobody_has_asked_for_go_to_routers_alone_if_that_is_wanted()
    {
        _bed.Pipeline.SetMulticast(new MulticastPlan { FloodsUnregistered = false, FloodPorts = [5] });
        Assert.Equal("5", To(1, Group));
        Query(6);
        Assert.Equal("6,5", To(1, Group));
        Join(3, Group);
        Assert.Equal("3,5,6", To(1, Group));
    }

    /// <summary>The group that was asked for longest ago comes first and the one that was last asked for comes last: a search from either end passes others by.</summary>
    [Fact]
    public void A_report_searches_for_none_of_many_groups()
    {
        const int groups = 1000;
        _bed.Pipeline.SetMulticast(new MulticastPlan { Capacity = groups });
        byte[][] reports = [.. Enumerable.Range(0, groups).Select(static i => MulticastFrames.Igmp(0x16, $"239.1.{i >> 8}.{i & 0xff}"))];
        Array.ForEach(reports, r => Snoop(3, r));
        long before = MulticastTable.Compared;
        foreach (int asked in (int[])[0, groups / 2, groups - 2, groups - 1, groups - 1]) Snoop(3, reports[asked]);
        Assert.Equal(0, MulticastTable.Compared - before);
        Assert.Equal([Address("239.1.1.244"), Address("239.1.3.230"), Address("239.1.3.231")], _bed.Pipeline.MulticastMembers(0).Skip(groups - 3).Select(static m => m.Group));
    }

    [Theory]
    [InlineData("224.0.0.251")]
    [InlineData("224.0.0.1")]
    public void What_is_for_all_of_a_link_is_flooded_whatever_has_been_asked_for(string group)
    {
        Join(3, group);
        Assert.Equal("2,3,4,5,6", To(1, group));
    }

    [Fact]
    public void Reports_go_to_routers_and_to_ports_that_want_them_and_questions_everywhere()
    {
        FlowKey report = _bed.Key(MulticastFrames.Igmp(0x16, Group), 1), query = _bed.Key(MulticastFrames.Igmp(0x11, "0.0.0.0"), 1);
        Assert.Equal("userspace(pid=0,slow_path(action))", _bed.Actions(report));
        Assert.True(_bed.Result.SlowPath);
        Assert.Equal("drop", DpFlowFormatter.FormatCarriedOut(_bed.Result.Actions));
        Query(6);
        _bed.Pipeline.SetMulticast(new MulticastPlan { ReportPorts = [4] });
        _bed.Actions(report);
        Assert.Equal("6,4", DpFlowFormatter.FormatCarriedOut(_bed.Result.Actions));
        _bed.Actions(query);
        Assert.Equal("2,3,4,5,6", DpFlowFormatter.FormatCarriedOut(_bed.Result.Actions));
        Assert.Equal((UserspaceReason.Multicast, 1u, (ushort)0), (_bed.Result.Actions[0].Userspace.Reason, _bed.Result.Actions[0].Userspace.OutputPort, _bed.Result.Actions[0].Userspace.Vid));
    }

    [Fact]
    public void A_port_leaves_a_group_and_the_group_is_not_flooded_until_it_has_aged()
    {
        Join(3, Group);
        Snoop(3, MulticastFrames.Igmp(0x17, Group));
        Assert.Equal("drop", To(1, Group));
        Assert.True(_bed.Pipeline.ForgetAged(1));
        Assert.Equal("2,3,4,5,6", To(1, Group));
    }

    [Fact]
    public void Ports_behind_which_others_may_be_leave_by_time_alone()
    {
        _bed.Pipeline.SetMulticast(new MulticastPlan { ReportPorts = [3], AgingSeconds = 20 });
        Join(3, Group);
        Snoop(3, MulticastFrames.Igmp(0x17, Group));
        Assert.Equal("3", To(1, Group));
        Assert.False(_bed.Pipeline.ForgetAged(19_999));
        Assert.Equal("3", To(1, Group));
        Assert.True(_bed.Pipeline.ForgetAged(20_000));
        Assert.Equal("2,3,4,5,6", To(1, Group));
    }

    [Fact]
    public void Who_asks_again_stays_and_who_does_not_goes()
    {
        Join(3, Group);
        Join(2, Group, nowMs: 200_000);
        Query(6);
        Assert.False(_bed.Pipeline.ForgetAged(179_000));
        Assert.True(_bed.Pipeline.ForgetAged(180_000));
        Assert.Empty(_bed.Pipeline.MulticastRouters(0));
        Assert.True(_bed.Pipeline.ForgetAged(300_000));
        Assert.Equal([new MulticastMember(Address(Group), 0, 2, 100)], _bed.Pipeline.MulticastMembers(300_000));
    }

    [Fact]
    public void A_full_table_forgets_the_group_that_was_asked_for_longest_ago()
    {
        _bed.Pipeline.SetMulticast(new MulticastPlan { Capacity = 10 });
        for (int i = 0; i < 10; i++) Join(3, $"239.0.0.{i}");
        Join(3, "239.0.0.0");
        Join(3, "239.0.1.0");
        Assert.Equal(10, _bed.Pipeline.MulticastMembers(0).Count);
        Assert.Equal("2,3,4,5,6", To(1, "239.0.0.1"));
        Assert.Equal("3", To(1, "239.0.0.0"));
        _bed.Pipeline.SetMulticast(new MulticastPlan { Capacity = 10, AgingSeconds = 100 });
        Assert.Equal(10, _bed.Pipeline.MulticastMembers(0).Count);
    }

    [Fact]
    public void Records_of_the_third_version_say_who_joins_and_who_leaves()
    {
        Snoop(3, MulticastFrames.IgmpV3((4, "239.0.0.1", 0), (3, "239.0.0.2", 0), (1, "239.0.0.3", 2), (9, "239.0.0.4", 0), (2, "239.0.0.5", 1)));
        Assert.Equal(["239.0.0.1", "239.0.0.3", "239.0.0.5"], Groups());
        Snoop(3, MulticastFrames.IgmpV3((3, "239.0.0.1", 0), (6, "239.0.0.3", 1), (1, "239.0.0.5", 0)));
        Assert.Equal("drop", To(1, "239.0.0.1"));
        Assert.Equal("3", To(1, "239.0.0.3"));
        Assert.Equal("drop", To(1, "239.0.0.5"));
    }

    [Fact]
    public void Listeners_of_IPv6_are_heard_in_both_versions()
    {
        Snoop(3, MulticastFrames.Mld(131, "ff05::10"));
        Snoop(4, MulticastFrames.MldV2((4, "ff05::10", 0), (1, "ff05::11", 1)));
        Snoop(6, MulticastFrames.Mld(130, "::"));
        Assert.Equal("3,4,6", To(1, "ff05::10"));
        Assert.Equal("4,6", To(1, "ff05::11"));
        Assert.Equal("2,3,4,5,6", To(1, "ff02::1"));
        Snoop(3, MulticastFrames.Mld(132, "ff05::10"));
        Snoop(4, MulticastFrames.MldV2((3, "ff05::11", 0)));
        Assert.Equal("4,6", To(1, "ff05::10"));
        Assert.Equal("6", To(1, "ff05::11"));
        FlowKey done = _bed.Key(MulticastFrames.Mld(132, "ff05::10"), 1);
        _bed.Actions(done);
        Assert.Equal("6", DpFlowFormatter.FormatCarriedOut(_bed.Result.Actions));
    }

    [Fact]
    public void A_frame_that_is_cut_off_or_damaged_changes_nothing_but_what_came_before()
    {
        byte[] whole = MulticastFrames.IgmpV3((4, "239.0.0.1", 0), (4, "239.0.0.2", 0));
        for (int length = 0; length < whole.Length; length++) Assert.False(_bed.Pipeline.Snoop(whole.AsSpan(0, length), 0, 3, 0));
        byte[] mld = MulticastFrames.MldV2((4, "ff05::1", 0));
        for (int length = 0; length < mld.Length; length++) Assert.False(_bed.Pipeline.Snoop(mld.AsSpan(0, length), 0, 3, 0));
        foreach (byte[] frame in (byte[][])[whole, mld])
        {
            // A bit of the message or of its checksum.
            for (int at = frame.Length - 8; at < frame.Length; at++)
            {
                frame[at] ^= 0x10;
                Assert.False(_bed.Pipeline.Snoop(frame, 0, 3, 0));
                frame[at] ^= 0x10;
            }
        }

        Assert.Empty(_bed.Pipeline.MulticastMembers(0));

        // More records are said to be there than are: those that are count.
        Snoop(3, MulticastFrames.IgmpV3(count: 400, (4, "239.0.0.1", 0)));
        Assert.Equal(["239.0.0.1"], Groups());
    }

    [Fact]
    public void Any_bytes_are_read_without_a_fault()
    {
        Random random = new(1);
        byte[][] seeds = [MulticastFrames.Igmp(0x16, Group), MulticastFrames.IgmpV3((4, "239.0.0.1", 3)), MulticastFrames.Mld(131, "ff05::10"), MulticastFrames.MldV2((4, "ff05::10", 2))];
        int read = 0;
        for (int i = 0; i < 50_000; i++)
        {
            byte[] frame = [.. seeds[i % seeds.Length]];
            for (int n = random.Next(4); n > 0; n--) frame[random.Next(12, frame.Length)] = (byte)random.Next(256);
            MulticastFrames.Repair(frame);
            if (_bed.Pipeline.Snoop(frame.AsSpan(0, random.Next(frame.Length) < 20 ? random.Next(frame.Length) : frame.Length), 0, 3, 0)) read++;
        }

        Assert.InRange(read, 5_000, 50_000);
        Assert.InRange(_bed.Pipeline.MulticastMembers(0).Count, 1, MulticastPlan.DefaultCapacity);
    }

    [Fact]
    public void Each_VLAN_has_groups_and_routers_of_its_own()
    {
        Join(3, Group, vid: 7);
        Query(6, vid: 7);
        Query(5, vid: 8);
        Assert.Equal("2,3,4,5,6", To(1, Group));
        FlowKey tagged = PipelineBed.Tagged(Packet(1, Group), 7);
        Assert.Equal("3,6", _bed.Actions(tagged));
        Assert.Equal("5", _bed.Actions(Report(8)).Length == 0 ? "" : Carried());
        _bed.Pipeline.SetPortVlan(3, new PortVlan(PortVlanMode.Access, 7, []));
        Assert.Empty(_bed.Pipeline.MulticastMembers(0));
        _bed.Pipeline.RemovePort(6);
        Assert.Equal([5u], _bed.Pipeline.MulticastRouters(0).Select(static r => r.Port));

        FlowKey Report(ushort vid) => PipelineBed.Tagged(_bed.Key(MulticastFrames.Igmp(0x16, Group), 1), vid);
        string Carried() => DpFlowFormatter.FormatCarriedOut(_bed.Result.Actions);
    }

    [Fact]
    public void Nothing_is_learned_from_ports_that_get_all_and_no_port_gets_a_packet_twice()
    {
        Join(3, Group);
        Query(3);
        Assert.Equal("3", To(1, Group));
        _bed.Pipeline.SetMulticast(new MulticastPlan { FloodPorts = [3, 4] });
        Assert.Equal("3,4", To(1, Group));
        Join(4, Group);
        Query(4);
        Assert.DoesNotContain(_bed.Pipeline.MulticastMembers(0), static m => m.Port == 4);
        Assert.DoesNotContain(_bed.Pipeline.MulticastRouters(0), static r => r.Port == 4);
        Assert.DoesNotContain("userspace", _bed.Actions(_bed.Key(MulticastFrames.Igmp(0x16, Group), 4)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_change_is_told_by_what_a_translation_has_asked_with_and_by_nothing_else()
    {
        MacChanges changes = _bed.Pipeline.Backer.Addresses.Follow(16384);
        List<MacKey> changed = [];
        To(1, Group);
        HashSet<MacKey> asked = [.. _bed.Result.AskedAddresses];
        changes.Take(changed);
        changed.Clear();
        Join(3, "239.9.9.9");
        changes.Take(changed);
        Assert.DoesNotContain(changed, asked.Contains);
        changed.Clear();
        Join(3, Group);
        changes.Take(changed);
        Assert.Contains(changed, asked.Contains);
        To(1, Group);
        asked = [.. _bed.Result.AskedAddresses];
        changed.Clear();
        Join(3, Group, nowMs: 5000);
        changes.Take(changed);
        Assert.Empty(changed);
        Query(6);
        changes.Take(changed);
        Assert.Contains(changed, asked.Contains);
        changed.Clear();
        _bed.Pipeline.ForgetMulticast();
        changes.Take(changed);
        Assert.Contains(changed, asked.Contains);
    }

    [Fact]
    public void Without_snooping_nothing_is_heard_and_all_is_flooded()
    {
        Join(3, Group);
        Assert.True(_bed.Pipeline.SetMulticast(null));
        Assert.False(_bed.Pipeline.SetMulticast(null));
        Assert.Equal("2,3,4,5,6", To(1, Group));
        Join(3, Group);
        Assert.Empty(_bed.Pipeline.MulticastMembers(0));
        Assert.Equal("2,3,4,5,6", _bed.Actions(_bed.Key(MulticastFrames.Igmp(0x16, Group), 1)));
        Assert.True(_bed.Pipeline.SetMulticast(new MulticastPlan()));
        Assert.False(_bed.Pipeline.SetMulticast(new MulticastPlan()));
    }

    private static Ipv6Address Address(string text)
        => IPAddress.Parse(text) is { AddressFamily: System.Net.Sockets.AddressFamily.InterNetwork } ipv4 ? Ipv6Address.From(ipv4.MapToIPv6().GetAddressBytes()) : Ipv6Address.From(IPAddress.Parse(text).GetAddressBytes());

    private FlowKey Packet(uint inPort, string group) => _bed.Key(MulticastFrames.Udp(group), inPort);

    private string To(uint inPort, string group) => _bed.Actions(Packet(inPort, group));

    private void Join(uint port, string group, ushort vid = 0, long nowMs = 0) => Assert.True(_bed.Pipeline.Snoop(MulticastFrames.Igmp(0x16, group), vid, port, nowMs));

    private void Query(uint port, ushort vid = 0) => Assert.True(_bed.Pipeline.Snoop(MulticastFrames.Igmp(0x11, "0.0.0.0"), vid, port, 0));

    private void Snoop(uint port, byte[] frame) => Assert.True(_bed.Pipeline.Snoop(frame, 0, port, 0));

    private string[] Groups() => [.. _bed.Pipeline.MulticastMembers(0).Select(static m => new IPAddress(m.Group.ToUInt128() is var a ? [(byte)(a >> 24), (byte)(a >> 16), (byte)(a >> 8), (byte)a] : [])).Select(static a => a.ToString())];
}
