using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// <c>normal</c> between ports with VLANs. What is right was asked of Open vSwitch 3.1.0 (<c>ofproto/trace</c> on a bridge with these ports, nothing learned): which port gets the frame, and with which tag.
/// </summary>
public sealed partial class NormalVlanTests
{
    private static readonly PortVlan[] s_ports =
    [
        new(PortVlanMode.Access, 10, []), new(PortVlanMode.Access, 20, []), PortVlan.AllVlans, new(PortVlanMode.Trunk, 0, [10, 30]), new(PortVlanMode.NativeTagged, 10, []),
        new(PortVlanMode.NativeUntagged, 10, [20]), new(PortVlanMode.Access, 10, []), PortVlan.AllVlans,
    ];

    /// <summary>The bridge's own port is 100 in the datapath of Open vSwitch, and the eighth one here.</summary>
    [Theory]
    [InlineData(1, -1, 0, "push_vlan(vid=10,pcp=0),100,3,4,5,pop_vlan,6,7")]
    [InlineData(1, 0, 5, "pop_vlan,push_vlan(vid=10,pcp=5),100,3,4,5,pop_vlan,6,7")]
    [InlineData(1, 10, 3, "drop")]
    [InlineData(1, 20, 0, "drop")]
    [InlineData(2, -1, 0, "push_vlan(vid=20,pcp=0),100,3,5,6")]
    [InlineData(2, 0, 5, "pop_vlan,push_vlan(vid=20,pcp=5),100,3,5,6")]
    [InlineData(3, -1, 0, "100")]
    [InlineData(3, 10, 3, "100,pop_vlan,1,push_vlan(vid=10,pcp=3),4,5,pop_vlan,6,7")]
    [InlineData(3, 20, 0, "100,pop_vlan,2,push_vlan(vid=20,pcp=0),5,6")]
    [InlineData(3, 30, 0, "100,4,5")]
    [InlineData(3, 99, 0, "100,5")]
    [InlineData(4, -1, 0, "drop")]
    [InlineData(4, 0, 5, "drop")]
    [InlineData(4, 10, 3, "100,pop_vlan,1,push_vlan(vid=10,pcp=3),3,5,pop_vlan,6,7")]
    [InlineData(4, 20, 0, "drop")]
    [InlineData(4, 30, 0, "100,3,5")]
    [InlineData(5, -1, 0, "push_vlan(vid=10,pcp=0),100,pop_vlan,1,push_vlan(vid=10,pcp=0),3,4,pop_vlan,6,7")]
    [InlineData(5, 0, 5, "pop_vlan,push_vlan(vid=10,pcp=5),100,pop_vlan,1,push_vlan(vid=10,pcp=5),3,4,pop_vlan,6,7")]
    [InlineData(5, 10, 3, "100,pop_vlan,1,push_vlan(vid=10,pcp=3),3,4,pop_vlan,6,7")]
    [InlineData(5, 20, 0, "100,pop_vlan,2,push_vlan(vid=20,pcp=0),3,6")]
    [InlineData(5, 99, 0, "100,3")]
    [InlineData(6, -1, 0, "push_vlan(vid=10,pcp=0),100,pop_vlan,1,push_vlan(vid=10,pcp=0),3,4,5,pop_vlan,7")]
    [InlineData(6, 0, 5, "pop_vlan,push_vlan(vid=10,pcp=5),100,pop_vlan,1,push_vlan(vid=10,pcp=5),3,4,5,pop_vlan,7")]
    [InlineData(6, 10, 3, "100,pop_vlan,1,push_vlan(vid=10,pcp=3),3,4,5,pop_vlan,7")]
    [InlineData(6, 20, 0, "100,pop_vlan,2,push_vlan(vid=20,pcp=0),3,5")]
    [InlineData(6, 30, 0, "drop")]
    public void A_frame_reaches_the_ports_that_Open_vSwitch_sends_it_to_with_the_same_tags(uint inPort, int vid, int pcp, string expected)
    {
        using PipelineBed bed = new("actions=normal", portCount: s_ports.Length);
        for (int i = 0; i < s_ports.Length; i++) bed.Pipeline.SetPortVlan((uint)i + 1, s_ports[i]);
        FlowKey key = PipelineBed.Tcp();
        if (vid >= 0) key = PipelineBed.Tagged(key, (ushort)((pcp << 13) | vid));
        key.InPort = Native.Be32.FromHost(inPort);
        string tag = vid < 0 ? "" : $"{vid}/{pcp}";
        Assert.Equal(Delivered(expected.Replace("100", "8", StringComparison.Ordinal), tag), Delivered(bed.Actions(key), tag));
    }

    [Fact]
    public void An_address_is_learned_in_the_VLAN_of_its_port()
    {
        using PipelineBed bed = new("actions=normal", portCount: 4);
        bed.Pipeline.SetPortVlan(1, new PortVlan(PortVlanMode.Access, 10, []));
        bed.Pipeline.SetPortVlan(2, new PortVlan(PortVlanMode.Access, 10, []));
        bed.Pipeline.SetPortVlan(3, new PortVlan(PortVlanMode.Access, 20, []));
        FlowKey there = PipelineBed.Tcp(), back = PipelineBed.Tcp();
        Assert.Equal(["2", "4:10/0"], Delivered(bed.Actions(there), ""));
        Assert.Equal(10, Assert.Single(bed.Pipeline.LearnedAddresses(0)).Source.Vid);
        (back.DlSrc, back.DlDst) = (back.DlDst, back.DlSrc);
        back.InPort = Native.Be32.FromHost(2);
        Assert.Equal(["1"], Delivered(bed.Actions(back), ""));

        // In another VLAN nobody knows it; a trunk finds it by its tag.
        back.InPort = Native.Be32.FromHost(3);
        Assert.Equal(["4:20/0"], Delivered(bed.Actions(back), ""));
        FlowKey tagged = PipelineBed.Tagged(back, 10);
        tagged.InPort = Native.Be32.FromHost(4);
        Assert.Equal(["1"], Delivered(bed.Actions(tagged), "10/0"));
    }

    [Fact]
    public void Ports_that_are_so_already_change_nothing()
    {
        using PipelineBed bed = new("actions=normal", portCount: 2);
        Assert.True(bed.Pipeline.SetPortVlan(1, new PortVlan(PortVlanMode.Trunk, 0, [5, 6])));
        Assert.False(bed.Pipeline.SetPortVlan(1, new PortVlan(PortVlanMode.Trunk, 9, [6, 5])));
        Assert.True(bed.Pipeline.SetPortVlan(1, new PortVlan(PortVlanMode.Trunk, 0, [5])));
        Assert.False(bed.Pipeline.SetPortVlan(9, PortVlan.AllVlans));
    }

    [Fact]
    public void A_port_that_is_not_forwarded_to_gets_nothing_by_whatever_action()
    {
        using PipelineBed bed = new("in_port=1,actions=normal\nin_port=2,actions=output:3,output(port=3,max_len=64),all", portCount: 4);
        Assert.True(bed.Pipeline.SetPortForwards(3, false));
        Assert.False(bed.Pipeline.SetPortForwards(3, false));
        Assert.Equal(["2", "4"], Delivered(bed.Actions(PipelineBed.Tcp()), ""));
        FlowKey key = PipelineBed.Tcp();
        key.InPort = Native.Be32.FromHost(2);
        Assert.Equal(["1", "4"], Delivered(bed.Actions(key), ""));
        Assert.True(bed.Pipeline.SetPortForwards(3, true));
        Assert.Contains("3", Delivered(bed.Actions(PipelineBed.Tcp()), ""));
    }

    /// <summary>Ports with the outer tag that a frame has there, <c>port:vid/pcp</c>, in order of ports.</summary>
    private static string[] Delivered(string actions, string tag)
    {
        List<(int Port, string Text)> ports = [];
        foreach (System.Text.RegularExpressions.Match action in Action().Matches(actions))
        {
            if (action.Groups["push"].Success) tag = $"{action.Groups["vid"].Value}/{action.Groups["pcp"].Value}";
            else if (action.Groups["set"].Success) tag = $"{action.Groups["set"].Value}/{tag.Split('/')[1]}";
            else if (action.Value == "pop_vlan") tag = "";
            else if (int.TryParse(action.Value, NumberStyles.None, CultureInfo.InvariantCulture, out int port)) ports.Add((port, tag.Length == 0 ? $"{port}" : $"{port}:{tag}"));
            else Assert.Equal("drop", action.Value);
        }

        return [.. ports.OrderBy(static p => p.Port).Select(static p => p.Text)];
    }

    [GeneratedRegex(@"(?<push>push_vlan)\(vid=(?<vid>\d+),pcp=(?<pcp>\d+)\)|set\(vlan\(vid=(?<set>\d+)\)\)|[^,]+")]
    private static partial Regex Action();
}
