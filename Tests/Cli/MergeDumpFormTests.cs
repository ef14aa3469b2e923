using Mergeflow.Cli;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// <c>mergeflow merge</c> on dumps as people paste them into issues: with <c>-m</c> and all it prints, of the kernel, of TC and of user space.
/// </summary>
public sealed class MergeDumpFormTests
{
    /// <summary>A load balancer's chain as user space prints it with <c>-m</c>: every field with its mask, what the datapath adds behind the actions.</summary>
    private const string Verbose =
        """
        flow-dump from pmd on cpu core: 3
        ufid:5bd4e2f5-6f8a-4c43-a0c5-e2b0d9a4f8e1, skb_priority(0/0),skb_mark(0/0),ct_state(0/0),ct_zone(0/0),ct_mark(0/0),ct_label(0/0),recirc_id(0),dp_hash(0/0),in_port(vm1),packet_type(ns=0,id=0),eth(src=0a:00:00:00:00:01,dst=0a:00:00:00:00:fe),eth_type(0x0800),ipv4(src=10.0.0.1,dst=172.16.0.80/255.255.255.255,proto=6,tos=0/0,ttl=64/0,frag=no),tcp(src=0/0,dst=80/0),tcp_flags(0/0), packets:412, bytes:39014, used:0.112s, flags:SFP., offloaded:partial, dp:ovs, actions:ct(zone=4,nat),recirc(0x1a), dp-extra-info:miniflow_bits(5,1)
        ufid:7c0c1b0e-2bb1-47e2-9f0d-0a2e43f9f5d1, skb_priority(0/0),skb_mark(0/0),ct_state(0x22/0x3e),ct_zone(0/0),ct_mark(0/0x1),ct_label(0/0x1),recirc_id(0x1a),dp_hash(0/0),in_port(vm1),packet_type(ns=0,id=0),eth(src=0a:00:00:00:00:01/00:00:00:00:00:00,dst=0a:00:00:00:00:fe),eth_type(0x0800),ipv4(src=10.0.0.1/0.0.0.0,dst=10.0.0.9,proto=6/0,tos=0/0,ttl=64,frag=no), packets:411, bytes:38940, used:0.112s, flags:P., dp:ovs, actions:set(eth(src=0a:00:00:00:00:fe,dst=0a:00:00:00:00:09)),set(ipv4(ttl=63)),vm9, dp-extra-info:miniflow_bits(5,0)
        """;

    private const string Connections =
        """
        tcp,orig=(src=10.0.0.1,dst=172.16.0.80,sport=41000,dport=80,packets=9,bytes=900),reply=(src=10.0.0.9,dst=10.0.0.1,sport=8080,dport=41000,packets=8,bytes=800),zone=4,status=SEEN_REPLY|ASSURED|CONFIRMED|DST_NAT|DST_NAT_DONE,timeout=86400,protoinfo=(state=ESTABLISHED)
        tcp,orig=(src=10.0.0.1,dst=10.0.0.9,sport=42000,dport=22),reply=(src=10.0.0.9,dst=10.0.0.1,sport=22,dport=42000),zone=7,mark=1,labels=0x2,protoinfo=(state=ESTABLISHED)
        """;

    private const string Ssh = "in_port=vm1,tcp,nw_src=10.0.0.1,nw_dst=10.0.0.9,tp_src=42000,tp_dst=22";

    [Fact]
    public void Everything_that_verbose_prints_is_read_and_adds_nothing()
    {
        CliRun run = Merge(Verbose, "in_port=vm1,tcp,nw_src=10.0.0.1,nw_dst=172.16.0.80,tp_src=41000,tp_dst=80");
        Assert.True(run.ExitCode == ExitCode.Ok, run.Output + run.Error);
        string merged = run.Output.Split('\n').Single(static l => l.StartsWith("merged: ", StringComparison.Ordinal)).TrimEnd();
        Assert.Contains("ipv4(src=10.0.0.1,dst=172.16.0.80,proto=6,ttl=64,frag=no),tcp(src=41000,dst=80)", merged, StringComparison.Ordinal);
        Assert.EndsWith("exact, actions:set(eth(src=0a:00:00:00:00:fe,dst=0a:00:00:00:00:09)),set(ipv4(dst=10.0.0.9,ttl=63)),set(tcp(dst=8080)),vm9", merged, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ct(commit,zone=7,mark=0x1/0x1,label=0x2/0x3,nat(src=10.0.0.1)),vm9", "merged: ")]
    [InlineData("ct(commit,zone=7,mark=0x0/0x1),vm9", "not merged: CtChangesConnection(ct(commit)) in pass 0")]
    [InlineData("ct(commit,zone=7,label=0x1/0x1),vm9", "not merged: CtChangesConnection(ct(commit)) in pass 0")]
    [InlineData("ct(commit,zone=7,label=0/0x1,nat(dst=10.0.0.9:22)),vm9", "merged: ")]
    [InlineData("ct(commit,zone=7,nat(src=10.0.0.1-10.0.0.3:1024-65535,random)),vm9", "merged: ")]
    [InlineData("ct(commit,zone=8,nat(src=10.0.0.1)),vm9", "not merged: CtNotEstablished(ct_state) in pass 0")]
    [InlineData("ct(zone=7,helper=ftp),vm9", "not merged: Alg(ct(alg)) in pass 0")]
    [InlineData("ct(zone=7),hash(l4(0)),recirc(0x5)", "not merged: UnsupportedAction(hash) in pass 0")]
    [InlineData("hash(l4(0)),vm9", "not merged: UnsupportedAction(hash) in pass 0")]
    [InlineData("clone(ct(commit,zone=7,mark=0x1/0x1),mirror0),vm9", "merged: ")]
    [InlineData("check_pkt_len(size=1500,gt(drop),le(vm9))", "not merged: LengthDependent(check_pkt_len) in pass 0")]
    [InlineData("trunc(64),vm9", "not merged: LengthDependent(trunc) in pass 0")]
    [InlineData("meter(3),vm9", "not merged: UnsupportedAction(meter) in pass 0")]
    [InlineData("sample(sample=10.0%,actions(userspace(pid=4294967295,sFlow(vid=0,pcp=0,output=2)))),vm9", "not merged: UnsupportedAction(sample) in pass 0")]
    [InlineData("userspace(pid=123,slow_path(controller))", "not merged: UnsupportedAction(userspace) in pass 0")]
    [InlineData("lb_output(1)", "not merged: UnsupportedAction(lb_output) in pass 0")]
    [InlineData("dec_ttl(le_1(userspace(pid=1))),vm9", "not merged: UnsupportedAction(dec_ttl) in pass 0")]
    [InlineData("set(skb_priority(0x2)),vm9", "not merged: UnsupportedAction(set(skb_priority)) in pass 0")]
    [InlineData("set(skb_priority(0x10002)),vm9", "not merged: UnsupportedAction(set(skb_priority)) in pass 0")]
    [InlineData("set(nsh(ttl=3)),vm9", "not merged: UnsupportedAction(set(nsh)) in pass 0")]
    [InlineData("tnl_push(tnl_port(6),header(size=50,type=4,eth(dst=02:00:00:00:00:01,src=02:00:00:00:00:02,dl_type=0x0800),ipv4(src=1.1.1.1,dst=2.2.2.2,proto=17,tos=0,ttl=64,frag=0x4000),udp(src=0,dst=4789,csum=0x0),vxlan(flags=0x8000000,vni=0x1)),out_port(2)),vm9", "not merged: UnsupportedAction(tnl_push) in pass 0")]
    [InlineData("drop", "merged: ")]
    public void Every_action_is_merged_or_refused_by_name(string actions, string line)
    {
        CliRun run = Merge($"recirc_id(0),in_port(vm1),eth(),eth_type(0x0800),ipv4(frag=no), packets:1, bytes:98, used:never, actions:{actions}", Ssh);
        Assert.True(run.Output.Split('\n').Any(l => line == "merged: " ? l.StartsWith(line, StringComparison.Ordinal) : l.TrimEnd() == line), run.Output + run.Error);
    }

    [Theory]
    [InlineData("skb_priority(0x2)", "skb_priority")]
    [InlineData("tunnel(tun_id=0x1,src=192.0.2.1,dst=192.0.2.2,ttl=0/0,geneve({class=0x102,type=0x80,len=4,0x10002/0x7fffffff}),flags(-df+csum+key))", "tunnel")]
    [InlineData("mpls(label=0/0x0,tc=0/0,ttl=0/0,bos=1/1)", "mpls")]
    public void A_match_that_a_header_cannot_hold_is_refused_by_name(string attribute, string name)
    {
        CliRun run = Merge($"{attribute},recirc_id(0),in_port(vm1),eth_type(0x0800),ipv4(frag=no), packets:1, bytes:98, used:1.2s, offloaded:yes, dp:tc, actions:vm9", Ssh);
        Assert.Contains($"not merged: UnsupportedMatch({name}) in pass 0", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("actions:frobnicate(1)", "`frobnicate(': unknown datapath action")]
    [InlineData("actions:ct(commit,zone=99999)", "expected a number up to 0xffff")]
    [InlineData("actions:ct(zone=7,label=0/0xzz)", "expected a mask up to 0x")]
    [InlineData("actions:check_pkt_len(size=1500,gt(drop),le(vm9)", "missing `)'")]
    [InlineData("actions:", "expected an action, or `drop'")]
    public void An_action_that_cannot_be_read_is_one_line_with_its_place(string actions, string message)
    {
        CliRun run = Merge($"recirc_id(0),in_port(vm1),eth_type(0x0800),ipv4(frag=no), packets:1, bytes:98, used:1.2s, {actions}", Ssh);
        Assert.Equal(ExitCode.BadInput, run.ExitCode);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
        Assert.Contains("flows.txt:1:", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    private static CliRun Merge(string flows, string packet)
    {
        using TemporaryFolder folder = new();
        return CliRun.Of("merge", "--flows", folder.Write("flows.txt", flows), "--conntrack", folder.Write("conntrack.txt", Connections), "--packet", packet);
    }
}
