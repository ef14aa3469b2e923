namespace Mergeflow.Perf;

/// <summary>Rules for a capture without any: a stateful firewall. Inside is port 1, outside is port 2.</summary>
public static class DefaultFlows
{
    /// <summary>ovs-ofctl text.</summary>
    public const string Text = """
        # Stateful firewall: who is inside (port 1) may open connections, who is outside (port 2) may answer.
        table=0,priority=100,arp,in_port=1,actions=output:2
        table=0,priority=100,arp,in_port=2,actions=output:1
        table=0,priority=50,ip,ct_state=-trk,actions=ct(zone=1,table=1)
        table=0,priority=50,ipv6,ct_state=-trk,actions=ct(zone=1,table=1)
        table=0,priority=10,in_port=1,actions=output:2
        table=0,priority=10,in_port=2,actions=output:1
        table=1,priority=100,ct_state=+trk+inv,actions=drop
        table=1,priority=90,ip,in_port=1,ct_state=+trk+est,actions=output:2
        table=1,priority=90,ip,in_port=2,ct_state=+trk+est,actions=output:1
        table=1,priority=90,ipv6,in_port=1,ct_state=+trk+est,actions=output:2
        table=1,priority=90,ipv6,in_port=2,ct_state=+trk+est,actions=output:1
        table=1,priority=80,ip,in_port=1,ct_state=+trk+rel,actions=output:2
        table=1,priority=80,ip,in_port=2,ct_state=+trk+rel,actions=output:1
        table=1,priority=80,ipv6,in_port=1,ct_state=+trk+rel,actions=output:2
        table=1,priority=80,ipv6,in_port=2,ct_state=+trk+rel,actions=output:1
        table=1,priority=70,ip,in_port=1,ct_state=+trk+new,actions=ct(commit,zone=1),output:2
        table=1,priority=70,ipv6,in_port=1,ct_state=+trk+new,actions=ct(commit,zone=1),output:2
        table=1,priority=0,actions=drop

        """;
}
