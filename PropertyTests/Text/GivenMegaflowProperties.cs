using FsCheck.Xunit;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>Megaflows that are put in by hand: any text is read or refused with its place, and what is read prints as what reads the same.</summary>
public sealed class GivenMegaflowProperties(ITestOutputHelper output) : IDisposable
{
    private static readonly PortNames s_ports = new(new Dictionary<string, uint> { ["p1"] = 1 });

    private static readonly string[] s_keys =
    [
        "in_port(1)", "in_port(p1)", "recirc_id(0x7)", "eth(src=00:00:00:00:00:01)", "eth(dst=01:00:00:00:00:00/01:00:00:00:00:00)", "eth()", "eth_type(0x0800)", "eth_type(0x86dd)", "eth_type(0x8100)", "vlan(vid=5,pcp=0)",
        "ipv4(src=10.0.0.0/255.0.0.0,proto=17,frag=no)", "ipv4(frag=later)", "ipv6(proto=6,frag=no)", "udp(src=5,dst=0/0xff00)", "tcp(dst=80)", "encap(eth_type(0x0800),ipv4(ttl=64))", "ct_state(+trk)", "ct_mark(0x5/0xf)", "tunnel(dst=1.1.1.1)", "dp_hash(0x1/0xf)",
    ];

    private static readonly string[] s_actions =
    [
        "1", "drop", "pop_vlan", "push_vlan(vid=3,pcp=1)", "set(vlan(vid=4,pcp=0))", "set(ipv4(ttl=3))", "set(ipv6(hlimit=3))", "set(tcp(dst=80))", "set(udp(src=7))", "set(eth(src=00:00:00:00:00:01))", "set(skb_mark(0x5))",
        "ct(commit,zone=5)", "ct_clear", "recirc(0x9)", "clone(pop_vlan,1)", "clone(push_vlan(vid=2,pcp=0),2)", "meter(3)", "userspace(pid=0)", "lb_output(1)",
    ];

    private readonly RunStatistics _statistics = new();

    /// <summary>Text that is refused says nothing about what is read.</summary>
    public void Dispose()
    {
        output.WriteLine(_statistics.Report("cases"));
        Assert.True(_statistics["judged"] > 0, "no case was judged");
    }

    [SeededProperty(MaxTest = 3000)]
    public void A_key_that_is_read_prints_as_one_that_reads_the_same(byte[] pieces)
    {
        _statistics.Add("cases");
        if (pieces.Length == 0 || Try(() => DpFlowParser.ParseGiven(Join(s_keys, pieces), s_ports)) is not { } flow) return;
        _statistics.Add("judged");
        FlowKey.And(ref flow.Value, ref flow.Mask, ref flow.Value);
        string text = DpFlowFormatter.FormatKey(flow.Value, flow.Mask, hasPacketType: false);
        DpFlow again = DpFlowParser.ParseGiven(text.Replace("eth_type(0/0xffff)", "", StringComparison.Ordinal), s_ports);
        string second = DpFlowFormatter.FormatKey(again.Value, again.Mask, hasPacketType: false);
        if (second != text) throw new InvalidOperationException($"{text} reads as {second}");
    }

    [SeededProperty(MaxTest = 3000)]
    public void A_program_that_is_read_takes_off_no_tag_that_may_not_be_there(byte[] key, byte[] pieces)
    {
        _statistics.Add("cases");
        if (Try(() => DpFlowParser.ParseGiven(Join(s_keys, key), s_ports)) is not { } flow) return;
        if (Try(() => DpFlowParser.ParseGivenActions(Join(s_actions, pieces), flow)) is not { } program) return;
        _statistics.Add("judged");
        int tags = Tags(flow);
        foreach (DpAction a in program)
        {
            if (a.Op == DpOp.PushVlan) tags++;
            if (a.Op is DpOp.Clone) return;
            if (a.Op is DpOp.PopVlan or DpOp.SetVlan && tags == 0) throw new InvalidOperationException("there is no tag");
            if (a.Op == DpOp.PopVlan) tags--;
            if (a.Op is DpOp.Meter or DpOp.Userspace) throw new InvalidOperationException($"{a.Op} cannot be carried out as it was read");
        }
    }

    [SeededProperty(MaxTest = 5000)]
    public void Damaged_text_is_read_or_refused(byte[] pieces, ushort at, char letter)
    {
        string key = Join(s_keys, pieces), actions = Join(s_actions, pieces);
        _statistics.Add("cases");
        if (key.Length == 0) return;
        _statistics.Add("judged");
        string damaged = key.Remove(at % key.Length, 1).Insert(at % key.Length, letter.ToString());
        DpFlow flow = Try(() => DpFlowParser.ParseGiven(damaged, s_ports)) ?? DpFlowParser.ParseGiven("in_port(1)", s_ports);
        Try(() => DpFlowParser.ParseGivenActions(actions.Remove(at % actions.Length, 1).Insert(at % actions.Length, letter.ToString()), flow));
    }

    private static int Tags(DpFlow flow) => (flow.Value.Vlan0Tci.Host & flow.Mask.Vlan0Tci.Host & 0x1000) == 0 ? 0 : (flow.Value.Vlan1Tci.Host & flow.Mask.Vlan1Tci.Host & 0x1000) == 0 ? 1 : 2;

    private static string Join(string[] from, byte[] pieces) => string.Join(',', pieces.Take(6).Select(p => from[p % from.Length]));

    private static T? Try<T>(Func<T> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (FlowTextException)
        {
            return null;
        }
    }
}
