using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// What 010, 0x10 and 08 mean in every place where a number stands: the number that ovs-ofctl 3.1.0 takes it for (recorded with <c>parse-flow</c>), or
/// null where it refuses it. Most places read C's forms, 0 for octal among them; ports, tables, bit positions and clauses are decimal.
/// </summary>
public sealed class NumberFormTests
{
    [Theory]
    [InlineData("table=@,actions=drop", "10", null, "8")]
    [InlineData("priority=@,actions=drop", "8", "16", null)]
    [InlineData("cookie=@,actions=drop", "8", "16", null)]
    [InlineData("idle_timeout=@,actions=drop", "8", "16", null)]
    [InlineData("hard_timeout=@,actions=drop", "8", "16", null)]
    [InlineData("importance=@,actions=drop", "8", "16", null)]
    [InlineData("in_port=@,actions=drop", "10", null, "8")]
    [InlineData("dl_vlan=@,actions=drop", "8", "16", null)]
    [InlineData("vlan_vid=@/0x1fff,actions=drop", "8", "16", null)]
    [InlineData("dl_type=@,actions=drop", "8", "16", null)]
    [InlineData("ip,nw_proto=@,actions=drop", "8", "16", null)]
    [InlineData("ip,nw_tos=@,actions=drop", "8", "16", null)]
    [InlineData("ip,ip_dscp=@,actions=drop", "8", "16", null)]
    [InlineData("ip,nw_ttl=@,actions=drop", "8", "16", null)]
    [InlineData("tcp,tp_src=@,actions=drop", "8", "16", null)]
    [InlineData("udp,udp_dst=@/0xffff,actions=drop", "8", "16", null)]
    [InlineData("icmp,icmp_type=@,actions=drop", "8", "16", null)]
    [InlineData("icmp6,icmpv6_code=@,actions=drop", "8", "16", null)]
    [InlineData("reg0=@,actions=drop", "8", "16", null)]
    [InlineData("reg0=@/@,actions=drop", "8", "16", null)]
    [InlineData("reg0[0..7]=@,actions=drop", "8", "16", null)]
    [InlineData("xreg1=@,actions=drop", "8", "16", null)]
    [InlineData("xxreg1=@,actions=drop", "8", "16", null)]
    [InlineData("metadata=@,actions=drop", "8", "16", null)]
    [InlineData("tun_id=@,actions=drop", "8", "16", null)]
    [InlineData("ct_zone=@,actions=drop", "8", "16", null)]
    [InlineData("ct_mark=@,actions=drop", "8", "16", null)]
    [InlineData("ct_label=@,actions=drop", "8", "16", null)]
    [InlineData("ct_state=@/0x3f,actions=drop", "8", "16", null)]
    [InlineData("mpls,mpls_label=@,actions=drop", "8", "16", null)]
    [InlineData("ipv6,ipv6_label=@,actions=drop", "8", "16", null)]
    [InlineData("arp,arp_op=@,actions=drop", "8", "16", null)]
    [InlineData("pkt_mark=@,actions=drop", "8", "16", null)]
    [InlineData("conj_id=@,actions=drop", "8", "16", null)]
    [InlineData("actset_output=@,actions=drop", "10", null, "8")]
    [InlineData("actions=output:@", "10", null, "8")]
    [InlineData("actions=@", "10", null, "8")]
    [InlineData("actions=resubmit:@", "10", null, "8")]
    [InlineData("actions=resubmit(@,1)", "10", null, "8")]
    [InlineData("actions=resubmit(,@)", "10", null, "8")]
    [InlineData("actions=goto_table:@", "10", null, "8")]
    [InlineData("actions=group:@", "8", "16", null)]
    [InlineData("actions=meter:@,output:1", "8", "16", null)]
    [InlineData("vlan_tci=0x1000/0x1000,actions=mod_vlan_vid:@", "8", "16", null)]
    [InlineData("actions=mod_vlan_vid:@", "8", "16", null)]
    [InlineData("ip,actions=mod_nw_tos:@", "8", "16", null)]
    [InlineData("ip,actions=mod_nw_ttl:@", "8", "16", null)]
    [InlineData("tcp,actions=mod_tp_src:@", "8", "16", null)]
    [InlineData("mpls,actions=set_mpls_label:@", "8", "16", null)]
    [InlineData("mpls,actions=set_mpls_ttl:@", "8", "16", null)]
    [InlineData("actions=set_tunnel:@", "8", "16", null)]
    [InlineData("actions=set_tunnel64:@", "8", "16", null)]
    [InlineData("actions=set_field:@->reg0", "8", "16", null)]
    [InlineData("actions=set_field:@/@->reg0", "8", "16", null)]
    [InlineData("actions=set_field:@->tun_id", "8", "16", null)]
    [InlineData("actions=set_field:@->metadata", "8", "16", null)]
    [InlineData("actions=move:NXM_NX_REG0[0..@]->NXM_NX_REG1[0..@]", "10", null, "8")]
    [InlineData("ip,actions=ct(zone=@)", "8", "16", null)]
    [InlineData("ip,actions=ct(table=@)", "10", null, "8")]
    [InlineData("ip,actions=ct(commit,nat(src=10.0.0.1:@))", "10", null, "8")]
    [InlineData("ip,actions=ct(commit,nat(src=10.0.0.1:@-99))", "10", null, "8")]
    [InlineData("actions=controller:@", "8", null, null)]
    [InlineData("actions=controller(max_len=@)", "8", "16", null)]
    [InlineData("actions=controller(id=@)", "8", "16", null)]
    [InlineData("actions=output(port=@,max_len=64)", "10", null, "8")]
    [InlineData("actions=conjunction(@,1/2)", "8", "16", null)]
    [InlineData("actions=conjunction(1,@/20)", "10", null, "8")]
    [InlineData("actions=conjunction(1,2/@)", "10", null, "8")]
    [InlineData("actions=check_pkt_larger(@)->NXM_NX_REG0[0]", "8", "16", null)]
    [InlineData("actions=write_metadata:@", "8", "16", null)]
    [InlineData("actions=write_metadata:@/@", "8", "16", null)]
    [InlineData("actions=push:NXM_NX_REG0[0..@]", "10", null, "8")]
    [InlineData("dl_vlan=7,dl_vlan_pcp=@,actions=drop", "0", "0", null)]
    [InlineData("tcp,tcp_flags=@,actions=drop", "8", "16", null)]
    [InlineData("actions=load:@->NXM_NX_REG0[]", "8", "16", null)]
    [InlineData("ip,actions=ct(commit,exec(load:@->NXM_NX_CT_MARK[]))", "8", "16", null)]
    public void Reads_numbers_as_Open_vSwitch_does(string line, string? octal, string? hexadecimal, string? neither)
    {
        AssertReads(line, "010", octal);
        AssertReads(line, "0x10", hexadecimal);
        AssertReads(line, "08", neither);
    }

    private static void AssertReads(string line, string form, string? number)
    {
        if (number is null) Assert.Throws<FlowTextException>(() => Read(line, form));
        else Assert.Equal(Read(line, number), Read(line, form));
    }

    private static string Read(string line, string number) => new FlowTextFormatter().Format(new FlowTextParser().ParseFlow(line.Replace("@", number)));
}
