using System.Globalization;
using System.Text.RegularExpressions;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// Frames with none, one and two tags between ports of all VLAN modes, tunnels among them: who gets them, and with which tags. What is right was asked of Open vSwitch 3.1.0 (<c>Tests/Data/vlan/dot1q-tunnel.txt</c>).
/// </summary>
public sealed partial class Dot1qTunnelTests
{
    private const int Local = 9;

    private static readonly PortVlan[] s_ports =
    [
        new(PortVlanMode.Dot1qTunnel, 10, []), new(PortVlanMode.Dot1qTunnel, 10, [20, 30]), PortVlan.AllVlans, new(PortVlanMode.Access, 10, []), new(PortVlanMode.NativeTagged, 10, []),
        new(PortVlanMode.NativeUntagged, 10, []), new(PortVlanMode.Dot1qTunnel, 11, []), new(PortVlanMode.Dot1qTunnel, 10, [0, 40], EthType.Vlan), PortVlan.AllVlans,
    ];

    [Fact]
    public void A_frame_reaches_the_ports_that_Open_vSwitch_sends_it_to_with_the_same_two_tags()
    {
        List<string> wrong = [];
        int count = 0;
        foreach (string line in File.ReadLines(Path.Combine(RepositoryFiles.Root, "Tests", "Data", "vlan", "dot1q-tunnel.txt")).Where(static l => !l.StartsWith('#')))
        {
            string[] parts = line.Split('|');
            using PipelineBed bed = New();
            FlowKey key = Key(uint.Parse(parts[0], CultureInfo.InvariantCulture), parts[1]);
            string expected = Delivered(parts[2].Replace("100", $"{Local}", StringComparison.Ordinal), parts[1]), actual = Delivered(bed.Actions(key), parts[1]);
            if (expected != actual) wrong.Add($"{parts[0]} [{parts[1]}]: {expected}\n    but {actual}");
            count++;
        }

        Assert.Empty(wrong);
        Assert.Equal(112, count);
    }

    /// <summary>A megaflow is for all frames that look alike under its mask: whatever bits of tags it leaves out must not matter.</summary>
    [Fact]
    public void What_a_mask_leaves_out_of_tags_does_not_matter()
    {
        Random random = new(1);
        string[] tags = ["", "8100/10:3", "8100/20:0", "8100/0:6", "88a8/10:3 8100/20:1", "8100/10:3 8100/0:4", "8100/0:5 8100/20:1", "88a8/11:0 8100/40:2", "8100/30:5"];
        int same = 0;
        for (int i = 0; i < 3000; i++)
        {
            using PipelineBed bed = New();
            uint port = (uint)random.Next(1, s_ports.Length);
            string first = tags[random.Next(tags.Length)], second = tags[random.Next(tags.Length)];
            FlowKey one = Key(port, first), other = Key(port, second);
            string actions = bed.Actions(one);
            FlowKey mask = bed.Result.Mask;
            bool isSame = true;
            for (int lane = 0; lane < FlowKey.LaneCount; lane++) isSame &= ((FlowKey.Lane(ref one, lane) ^ FlowKey.Lane(ref other, lane)) & FlowKey.Lane(ref mask, lane)) == System.Runtime.Intrinsics.Vector256<byte>.Zero;
            if (!isSame || first == second) continue;
            same++;
            Assert.Equal(Delivered(bed.Actions(other), second), Delivered(actions, second));
        }

        Assert.InRange(same, 10, 3000);
    }

    [Fact]
    public void Addresses_behind_a_tunnel_are_learned_in_its_VLAN()
    {
        using PipelineBed bed = New();
        bed.Actions(Key(2, "8100/20:0"));
        Assert.Equal((10, 2u), Assert.Single(bed.Pipeline.LearnedAddresses(0)) is var one ? (one.Source.Vid, one.Source.Port) : default);
        FlowKey back = Key(3, "88a8/10:0 8100/20:1");
        (back.DlSrc, back.DlDst) = (back.DlDst, back.DlSrc);
        Assert.Equal("2[8100/20:1]", Delivered(bed.Actions(back), "88a8/10:0 8100/20:1"));

        // What its customer has no VLAN for does not reach it.
        back = Key(3, "88a8/10:0 8100/40:1");
        (back.DlSrc, back.DlDst) = (back.DlDst, back.DlSrc);
        Assert.Equal("", Delivered(bed.Actions(back), "88a8/10:0 8100/40:1"));
    }

    private static PipelineBed New()
    {
        PipelineBed bed = new("actions=normal", portCount: s_ports.Length);
        for (int i = 0; i < s_ports.Length; i++) bed.Pipeline.SetPortVlan((uint)i + 1, s_ports[i]);
        return bed;
    }

    private static FlowKey Key(uint port, string tags)
    {
        FlowKey key = PipelineBed.Tcp();
        key.InPort = Be32.FromHost(port);
        (string Tpid, int Vid, int Pcp)[] all = [.. Read(tags)];
        if (all.Length > 0) (key.Vlan0Tpid, key.Vlan0Tci) = (Tpid(all[0].Tpid), Tci(all[0]));
        if (all.Length > 1) (key.Vlan1Tpid, key.Vlan1Tci) = (Tpid(all[1].Tpid), Tci(all[1]));
        return key;

        static Be16 Tpid(string text) => Be16.FromHost(ushort.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture));
        static Be16 Tci((string Tpid, int Vid, int Pcp) tag) => Be16.FromHost((ushort)(0x1000 | (tag.Pcp << 13) | tag.Vid));
    }

    private static IEnumerable<(string Tpid, int Vid, int Pcp)> Read(string tags)
        => tags.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static t => (t[..4], int.Parse(t[5..t.IndexOf(':', StringComparison.Ordinal)], CultureInfo.InvariantCulture), int.Parse(t[(t.IndexOf(':', StringComparison.Ordinal) + 1)..], CultureInfo.InvariantCulture)));

    /// <summary>Ports in order, with the tags that the frame has there, the outer one first.</summary>
    private static string Delivered(string actions, string tags)
    {
        List<(string Tpid, int Vid, int Pcp)> now = [.. Read(tags)];
        SortedDictionary<int, string> ports = [];
        foreach (System.Text.RegularExpressions.Match action in Action().Matches(actions))
        {
            if (action.Groups["push"].Success) now.Insert(0, (action.Groups["tpid"].Success ? action.Groups["tpid"].Value : "8100", Number("vid"), Number("pcp")));
            else if (action.Groups["set"].Success) now[0] = (now[0].Tpid, action.Groups["setvid"].Success ? Number("setvid") : now[0].Vid, action.Groups["setpcp"].Success ? Number("setpcp") : now[0].Pcp);
            else if (action.Value == "pop_vlan") now.RemoveAt(0);
            else if (action.Groups["port"].Success) ports.Add(Number("port"), string.Join(' ', now.Select(static t => string.Create(CultureInfo.InvariantCulture, $"{t.Tpid}/{t.Vid}:{t.Pcp}"))));
            else Assert.Equal("drop", action.Value);

            int Number(string group) => int.Parse(action.Groups[group].Value, CultureInfo.InvariantCulture);
        }

        return string.Join(' ', ports.Select(static p => $"{p.Key}[{p.Value}]"));
    }

    [GeneratedRegex(@"(?<push>push_vlan\((tpid=0x(?<tpid>[0-9a-f]+),)?vid=(?<vid>\d+),pcp=(?<pcp>\d+)\))|(?<set>set\(vlan\((vid=(?<setvid>\d+)(/0xfff)?)?,?(pcp=(?<setpcp>\d+)(/0x7)?)?[^)]*\)\))|pop_vlan|drop|(?<port>\d+)|[a-z_]+")]
    private static partial Regex Action();
}
