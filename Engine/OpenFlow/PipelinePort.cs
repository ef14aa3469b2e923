namespace Mergeflow.Engine.OpenFlow;

/// <summary>A port of the bridge as the pipeline knows it: name and OpenFlow number (1..0xfeff).</summary>
/// <param name="Name">Name, e.g. <c>p1</c>.</param>
/// <param name="Number">OpenFlow port number.</param>
/// <param name="IsTunnel">An output encapsulates: tunnel metadata is committed before it.</param>
/// <param name="Floods">False for <c>OFPPC_NO_FLOOD</c>: left out of <c>flood</c>.</param>
public sealed record PipelinePort(string Name, uint Number, bool IsTunnel = false, bool Floods = true)
{
    /// <summary>Its number in the datapath, if that is another one: where bridges share a datapath. Tunnels of a kind share a number.</summary>
    public uint? InDatapath { get; init; }

    /// <summary>Its number in the datapath.</summary>
    public uint DatapathNumber => InDatapath ?? Number;

    /// <summary>Of a patch port: name of the port of this datapath that is its other end. What is sent there is translated by the tables of that one's bridge.</summary>
    public string? PeerName { get; init; }

    /// <summary>What a port has counted that is none of the datapath; null = the datapath counts.</summary>
    public VportCounters? Counters { get; init; }

    /// <summary>The tunnel behind the port, which the datapath itself encapsulates for; null = none.</summary>
    public TunnelPort? Tunnel { get; init; }

    /// <summary>What goes out there comes in at another bridge: not a part of a packet alone.</summary>
    public bool IsPatch { get; init; }

    /// <summary>False for <c>OFPPC_NO_FWD</c>: nothing is sent there.</summary>
    public bool Forwards { get; init; } = true;

    /// <summary>Its VLANs, for <c>normal</c>.</summary>
    public PortVlan Vlan { get; init; } = PortVlan.AllVlans;

    /// <summary>What IP packets of a queue are marked with (OVS <c>struct skb_priority_to_dscp</c>).</summary>
    public EquatableList<QueueDscp> QueueDscps { get; init; } = EquatableList<QueueDscp>.Empty;
}

/// <summary>Mark of a queue's packets (ovs-vswitchd.conf.db(5), <c>Queue.dscp</c>).</summary>
/// <param name="Queue">Number of the queue.</param>
/// <param name="Dscp">0 to 63.</param>
public readonly record struct QueueDscp(ushort Queue, byte Dscp);
