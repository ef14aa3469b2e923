using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Rules that packets add and shorten, beside the recorded cases: what the tables say at each step.</summary>
public sealed class LearnedRuleTests
{
    private const string Learn = "table=0,tcp,actions=learn(table=1,hard_timeout=10,cookie=0x7,delete_learned,limit=2,result_dst=NXM_NX_REG0[0],eth_type=0x800,nw_proto=6,NXM_OF_TCP_DST[],load:0x1->NXM_NX_REG1[]),resubmit(,2)\n"
        + "table=2,reg0=1,actions=output:2\ntable=2,reg0=0,actions=output:3";

    [Fact]
    public void A_rule_is_learned_once_and_refreshed()
    {
        using PipelineBed bed = new(Learn);
        Assert.Equal("2", bed.Actions(PipelineBed.Tcp(dport: 80)));
        OfRule learned = Assert.Single(bed.Pipeline.Rules, static r => r.Table == 1);
        Assert.Equal("cookie=0x7, table=1, hard_timeout=10, tcp,tp_dst=80 actions=load:0x1->NXM_NX_REG1[]", new FlowTextFormatter().FormatWithoutStats(learned));

        ulong version = bed.Pipeline.RulesVersion;
        FlowKey key = PipelineBed.Tcp(dport: 80);
        bed.Translator.Translate(ref key, 64, bed.Result, nowMs: 8000);
        Assert.Equal(version, bed.Pipeline.RulesVersion);
        Assert.Equal(0, bed.Pipeline.Expire(17_000));
        Assert.Equal(1, bed.Pipeline.Expire(18_000));
    }

    [Theory]
    [InlineData("load:OXM_OF_IN_PORT[]->NXM_NX_REG1[]", "actions=load:0xfffffffd->NXM_NX_REG1[]")]
    [InlineData("OXM_OF_IN_PORT[]", "in_port=CONTROLLER actions=drop")]
    [InlineData("OXM_OF_IN_PORT=LOCAL", "in_port=LOCAL actions=drop")]
    [InlineData("OXM_OF_IN_PORT[]=OXM_OF_IN_PORT[]", "in_port=CONTROLLER actions=drop")]
    [InlineData("output:OXM_OF_IN_PORT[]", "actions=drop")]
    public void A_rule_has_the_port_of_OpenFlow_11_in_32_bits(string part, string learned)
    {
        using PipelineBed bed = new($"table=0,actions=learn(table=1,{part})");
        FlowKey key = PipelineBed.Tcp();
        key.InPort = Be32.FromHost((uint)OfReservedPort.Controller);
        bed.Actions(key);
        Assert.Equal($"table=1, {learned}", new FlowTextFormatter().FormatWithoutStats(Assert.Single(bed.Pipeline.Rules, static r => r.Table == 1)).TrimStart());
    }

    [Fact]
    public void A_learned_write_of_the_port_in_32_bits_is_one_of_the_port()
    {
        using PipelineBed bed = new("table=0,actions=learn(table=1,load:OXM_OF_IN_PORT[]->OXM_OF_IN_PORT[]),load:2->NXM_OF_IN_PORT[],resubmit(,1),resubmit(,2)\ntable=2,in_port=CONTROLLER,actions=output:3");
        FlowKey key = PipelineBed.Tcp();
        key.InPort = Be32.FromHost((uint)OfReservedPort.Controller);
        bed.Actions(key);
        Assert.Equal("3", bed.Actions(key));
    }

    [Fact]
    public void Over_the_limit_nothing_is_learned_and_the_packet_knows()
    {
        using PipelineBed bed = new(Learn);
        Assert.Equal(["2", "2", "3", "2"], new ushort[] { 80, 81, 82, 81 }.Select(port => bed.Actions(PipelineBed.Tcp(dport: port))));
        Assert.Equal(2, bed.Pipeline.Rules.Count(static r => r.Table == 1));
    }

    /// <summary>Without a packet nobody learns; whether the next one may is not known, so the megaflow does not stay.</summary>
    [Fact]
    public void What_no_packet_learns_is_uncertain()
    {
        using PipelineBed bed = new(Learn);
        bed.Translator.Learns = false;
        bed.Actions(PipelineBed.Tcp(dport: 80));
        Assert.True(bed.Result.IsUncertain);
        Assert.DoesNotContain(bed.Pipeline.Rules, static r => r.Table == 1);
        bed.Translator.Learns = true;
        bed.Actions(PipelineBed.Tcp(dport: 80));
        bed.Translator.Learns = false;
        bed.Actions(PipelineBed.Tcp(dport: 80));
        Assert.False(bed.Result.IsUncertain);
    }

    [Theory]
    [InlineData("delete table=0", 0)]
    [InlineData("modify table=0,tcp,actions=output:4", 0)]
    [InlineData("add table=0,tcp,actions=output:4", 0)]
    [InlineData("add table=0,priority=5,tcp,actions=output:4", 1)]
    [InlineData("delete table=2", 1)]
    public void What_was_learned_goes_with_the_last_rule_that_learns_it(string change, int left)
    {
        using PipelineBed bed = new(Learn);
        bed.Actions(PipelineBed.Tcp(dport: 80));
        bed.Pipeline.Apply(bed.Parse(change));
        Assert.Equal(left, bed.Pipeline.Rules.Count(static r => r.Table == 1));
    }

    [Fact]
    public void A_refused_batch_leaves_what_was_learned()
    {
        using PipelineBed bed = new(Learn);
        bed.Actions(PipelineBed.Tcp(dport: 80));
        FlowMod[] batch = [bed.Parse("delete table=0"), bed.Parse("add table=2,check_overlap,priority=32768,actions=drop")];
        Assert.Throws<FlowModException>(() => bed.Pipeline.ApplyAll(batch));
        Assert.Single(bed.Pipeline.Rules, static r => r.Table == 1);
        bed.Pipeline.Apply(bed.Parse("delete table=0"));
        Assert.DoesNotContain(bed.Pipeline.Rules, static r => r.Table == 1);
    }

    [Fact]
    public void A_modification_begins_the_hard_timeout_anew()
    {
        using PipelineBed bed = new("table=0,hard_timeout=10,tcp,actions=output:2");
        bed.Pipeline.Apply(bed.Parse("modify table=0,tcp,actions=output:3"), nowMs: 8000);
        Assert.Equal(0, bed.Pipeline.Expire(17_999));
        Assert.Equal(1, bed.Pipeline.Expire(18_000));
    }

    [Fact]
    public void A_packet_that_ends_a_connection_shortens_timeouts_and_lengthens_none()
    {
        using PipelineBed bed = new("table=0,idle_timeout=60,tcp,actions=fin_timeout(idle_timeout=5,hard_timeout=20),output:2\ntable=0,idle_timeout=3,udp,actions=output:2");
        FlowKey key = PipelineBed.Tcp();
        bed.Actions(key);
        Assert.Equal((60, 0), Timeouts());
        key.TcpFlags = Native.Be16.FromHost(0x11);
        bed.Actions(key);
        Assert.Equal((5, 20), Timeouts());
        bed.Pipeline.Apply(bed.Parse("modify table=0,tcp,actions=fin_timeout(idle_timeout=50),output:2"));
        bed.Actions(key);
        Assert.Equal((5, 20), Timeouts());

        (int, int) Timeouts() => bed.Pipeline.Rules.Where(static r => r.Match.Value.Key.NwProto == IpProto.Tcp).Select(static r => ((int)r.IdleTimeoutSeconds, (int)r.HardTimeoutSeconds)).Single();
    }

    /// <summary>What packets have learned that were not reported when the tables changed is still wanted if it is learned behind the change as well; else it is not learned again.</summary>
    [Theory]
    [InlineData("add table=2,ip,actions=output:3", 1)]
    [InlineData("modify_strict table=0,ip,actions=resubmit(,2)", 0)]
    [InlineData("delete_strict table=0,ip", 0)]
    public void Packets_before_a_change_keep_what_is_learned_behind_it(string change, int left)
    {
        using Simulator s = new(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2), ("p3", 3)], PacketCapacity = 64, MaxRevalidatorMs = 1_000_000 }, new Nowhere());
        var parser = new FlowTextParser();
        s.ApplyFlowMods(parser.ParseFlows("table=0,ip,actions=learn(table=1,hard_timeout=10,delete_learned,cookie=0x5,eth_type=0x800,NXM_OF_IP_SRC[]),resubmit(,2)\ntable=2,ip,actions=output:2"));
        s.Receive(1, Frames.Udp("10.0.0.1", 1, "10.0.0.2", 2), 0);
        s.AdvanceTo(5_000);
        s.Receive(1, Frames.Udp("10.0.0.1", 1, "10.0.0.2", 2), 1);
        s.ApplyFlowMods(parser.ParseFlows(change));
        Assert.Equal(left, s.Pipeline.Rules.Count(static r => r.Table == 1));
        s.AdvanceTo(12_000);
        Assert.Equal(left, s.Pipeline.Rules.Count(static r => r.Table == 1));
        s.AdvanceTo(16_000);
        Assert.Equal(0, s.Pipeline.Rules.Count(static r => r.Table == 1));
    }

    private sealed class Nowhere : IOutputSink
    {
        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
        {
        }
    }
}
