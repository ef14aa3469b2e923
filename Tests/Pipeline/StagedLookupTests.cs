using Mergeflow.Native;
using Xunit;
using static Mergeflow.Tests.PipelineBed;

namespace Mergeflow.Tests;

/// <summary>What a lookup reads when it is to read as much as Open vSwitch's. The masks were compared with those of its megaflows.</summary>
public sealed class StagedLookupTests
{
    [Theory]

    // Of an address, the bits up to the first that no rule has; the rest of the rule is not looked at.
    [InlineData("priority=9,tcp,nw_dst=10.12.0.240,actions=drop\npriority=1,ip,actions=output:2", "10.0.0.1", "10.12.0.129", "48:ff 49:ff 50:ff 51:c0")]
    [InlineData("priority=9,tcp,nw_dst=10.12.0.240,actions=drop\npriority=1,ip,actions=output:2", "10.0.0.1", "10.11.0.240", "48:ff 49:fc")]

    // The address is there: the whole stage is read, protocol and all.
    [InlineData("priority=9,tcp,nw_dst=10.12.0.240,actions=drop\npriority=1,ip,actions=output:2", "10.0.0.1", "10.12.0.240", "41:ff 48:ff 49:ff 50:ff 51:ff")]

    // The destination's trie comes before the source's.
    [InlineData("priority=9,ip,nw_src=10.9.0.1,nw_dst=10.9.0.2,actions=drop\npriority=1,ip,actions=output:2", "10.1.0.1", "10.1.0.2", "48:ff 49:f8")]
    [InlineData("priority=9,ip,nw_src=10.9.0.1,nw_dst=10.9.0.2,actions=drop\npriority=1,ip,actions=output:2", "10.1.0.1", "10.9.0.2", "44:ff 45:f8")]

    // A trie is of the whole table; where it would read more than the rule asks for, the rule is read.
    [InlineData("priority=9,ip,nw_dst=10.0.0.0/8,actions=drop\npriority=8,ip,nw_dst=11.1.2.3,actions=drop\npriority=1,ip,actions=output:2", "10.1.0.1", "11.1.2.0", "48:ff 49:ff 50:ff 51:fe")]

    // Ports: as many bits of source and destination as show that no rule of the mask has them.
    [InlineData("priority=9,udp,tp_dst=80,actions=drop\npriority=1,ip,actions=output:2", "10.0.0.1", "10.0.0.2", "41:ff 54:ff 55:c0")]
    public void Reads_stage_by_stage(string flows, string src, string dst, string mask)
    {
        using PipelineBed bed = new(flows, stagedTableRules: 8);
        Assert.Equal("2", bed.Actions(Udp(src, dst)));
        Assert.Equal(mask, bed.Mask());
    }

    /// <summary>Of IPv6 addresses only where the table is told to tell prefixes apart, of IPv4 ones unless it is told not to.</summary>
    [Theory]
    [InlineData(PrefixFields.Default, "priority=9,ip,nw_dst=10.12.0.240,actions=drop", false, "48:ff 49:fc")]
    [InlineData(PrefixFields.None, "priority=9,ip,nw_dst=10.12.0.240,actions=drop", false, "48:ff 49:ff 50:ff 51:ff")]
    [InlineData(PrefixFields.NwSrc, "priority=9,ip,nw_dst=10.12.0.240,actions=drop", false, "48:ff 49:ff 50:ff 51:ff")]
    [InlineData(PrefixFields.Ipv6Src | PrefixFields.Ipv6Dst, "priority=9,ipv6,ipv6_src=2001:db8:3c4d:1:2:3:4:5,actions=drop", true, "64:ff 65:ff 66:ff 67:ff 68:ff 69:ff 70:ff 71:fc")]
    [InlineData(PrefixFields.Default, "priority=9,ipv6,ipv6_src=2001:db8:3c4d:1:2:3:4:5,actions=drop", true, "64:ff 65:ff 66:ff 67:ff 68:ff 69:ff 70:ff 71:ff 72:ff 73:ff 74:ff 75:ff 76:ff 77:ff 78:ff 79:ff")]
    public void Prefixes_are_told_apart_of_the_fields_that_are_said(PrefixFields fields, string flow, bool isIpv6, string mask)
    {
        using PipelineBed bed = new(flow + "\npriority=1,actions=output:2", stagedTableRules: 8);
        bed.Pipeline.SetPrefixes(new Dictionary<int, PrefixFields> { [0] = fields });
        Assert.Equal("2", bed.Actions(isIpv6 ? Ipv6("2001:db8:3c4d:5:4:3:2:1") : Udp("10.0.0.1", "10.11.0.240")));
        Assert.Equal(mask, bed.Mask());
    }

    /// <summary>As it is now, and as it was in 3.1.0 before it was mended.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_field_behind_the_ports_is_read_whatever_the_ports_are(bool isMended)
    {
        using PipelineBed bed = new("priority=9,tcp,tp_dst=80,tcp_flags=+syn,actions=drop\npriority=1,ip,actions=output:2", stagedTableRules: 8, exactVlanPop: isMended);
        Assert.Equal("2", bed.Actions(Tcp()));
        Assert.Equal("41:ff 54:ff 55:ff 57:02", bed.Mask());
        Assert.Equal("2", bed.Actions(Tcp(dport: 81)));
        Assert.Equal(isMended ? "41:ff 54:ff 55:ff 57:02" : "41:ff 54:ff 55:ff", bed.Mask());
    }

    [Fact]
    public void What_is_written_counts_as_read()
    {
        using PipelineBed bed = new("ip,actions=mod_dl_src:0e:00:00:00:00:01,dec_ttl,output:2", stagedTableRules: 8);
        bed.Actions(Tcp());
        Assert.Equal("6:ff 7:ff 8:ff 9:ff 10:ff 11:ff 40:ff 41:ff", bed.Mask());
    }

    [Fact]
    public void Larger_tables_read_as_little_as_they_can()
    {
        using PipelineBed bed = new("priority=9,tcp,nw_dst=10.12.0.240,actions=drop\npriority=1,ip,actions=output:2", stagedTableRules: 1);
        bed.Actions(Udp(dst: "10.12.0.129"));
        Assert.Equal("41:10", bed.Mask());
    }

    /// <summary>To remove a subtable puts the last one in its place: of two with the same priority the other one is visited first from then on.</summary>
    [Fact]
    public void Removals_turn_the_order_of_subtables_around()
    {
        using PipelineBed bed = new("priority=10,ip,ct_state=+trk+new,in_port=1,actions=output:2\npriority=10,ip,ct_state=+trk+est,actions=output:3", stagedTableRules: 8);
        FlowKey key = Tcp();
        key.CtState = CtState.Trk | CtState.New;
        for (int turn = 0; turn < 4; turn++)
        {
            Assert.Equal("2", bed.Actions(key));
            Assert.Equal(turn % 2 == 0 ? "24:21" : "24:23", bed.Mask());
            bed.Mod("priority=99,udp,nw_dst=10.0.0.1,actions=drop");
            bed.Mod("delete udp,nw_dst=10.0.0.1");
        }
    }

    [Fact]
    public void A_change_that_is_undone_at_once_leaves_the_order()
    {
        using PipelineBed bed = new("priority=10,ip,ct_state=+trk+new,in_port=1,actions=output:2\npriority=10,ip,ct_state=+trk+est,actions=output:3", stagedTableRules: 8);
        FlowKey key = Tcp();
        key.CtState = CtState.Trk | CtState.New;
        Assert.False(bed.Mod("priority=99,udp,nw_dst=10.0.0.1,actions=drop", "delete udp,nw_dst=10.0.0.1"));
        bed.Actions(key);
        Assert.Equal("24:21", bed.Mask());
    }

    /// <summary>A rule of higher priority moves its subtable to the front; when it goes, the subtable goes back behind those of its priority.</summary>
    [Fact]
    public void Priorities_move_subtables()
    {
        using PipelineBed bed = new("priority=5,udp,actions=output:2\npriority=5,ip,nw_src=10.0.0.1,actions=output:3", stagedTableRules: 8);
        bed.Actions(Udp());
        Assert.Equal("41:ff", bed.Mask());
        bed.Mod("priority=7,ip,nw_src=10.0.0.9,actions=drop");
        bed.Actions(Udp());
        Assert.Equal("44:ff 45:ff 46:ff 47:ff", bed.Mask());
    }

    private static FlowKey Ipv6(string source)
    {
        FlowKey key = Udp();
        (key.NwSrc, key.NwDst, key.DlType) = (default, default, Be16.FromHost(EthType.Ipv6));
        key.Ipv6Src = Ipv6Address.From(System.Net.IPAddress.Parse(source).GetAddressBytes());
        return key;
    }
}
