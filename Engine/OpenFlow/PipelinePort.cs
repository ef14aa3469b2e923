namespace Mergeflow.Engine.OpenFlow;

/// <summary>A port of the bridge as the pipeline knows it: name and OpenFlow number (1..0xfeff).</summary>
/// <param name="Name">Name, e.g. <c>p1</c>.</param>
/// <param name="Number">OpenFlow port number; the datapath uses the same one.</param>
/// <param name="IsTunnel">An output encapsulates: tunnel metadata is committed before it.</param>
/// <param name="Floods">False for <c>OFPPC_NO_FLOOD</c>: left out of <c>flood</c>.</param>
public sealed record PipelinePort(string Name, uint Number, bool IsTunnel = false, bool Floods = true)
{
    /// <summary>The tunnel behind the port, which the datapath itself encapsulates for; null = none.</summary>
    public TunnelPort? Tunnel { get; init; }

    /// <summary>What goes out there comes in at another bridge: not a part of a packet alone.</summary>
    public bool IsPatch { get; init; }

    /// <summary>False for <c>OFPPC_NO_FWD</c>: nothing is sent there.</summary>
    public bool Forwards { get; init; } = true;

    /// <summary>Its VLANs, for <c>normal</c>.</summary>
    public PortVlan Vlan { get; init; } = PortVlan.AllVlans;
}
