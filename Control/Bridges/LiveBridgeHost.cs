using Mergeflow.Engine.Ports;

namespace Mergeflow.Control.Bridges;

/// <summary>Bridges with live ports: a datapath for each, whose packet threads are threads. Patch ports know each other by their names.</summary>
public sealed class LiveBridgeHost : IBridgeHost
{
    private readonly Dictionary<string, PatchEnd> _patches = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public IReadOnlyList<string> DatapathTypes { get; } = ["netdev", "system"];

    /// <inheritdoc/>
    public IReadOnlyList<string> InterfaceTypes { get; } = ["internal", "patch", "system", "tap"];

    /// <inheritdoc/>
    public IReadOnlyDictionary<string, string> Capabilities { get; } = new SortedDictionary<string, string>(StringComparer.Ordinal)
    {
        ["check_pkt_len"] = "true",
        ["ct_clear"] = "true",
        ["ct_state"] = "true",
        ["ct_state_nat"] = "true",
        ["ct_zone"] = "true",
        ["ct_mark"] = "true",
        ["ct_label"] = "true",
        ["ct_orig_tuple"] = "true",
        ["ct_orig_tuple6"] = "true",
        ["masked_set_action"] = "true",
        ["max_vlan_headers"] = "2",
        ["recirc"] = "true",
        ["trunc"] = "true",
        ["ufid"] = "true",
    };

    /// <summary>Packet threads of each datapath.</summary>
    public int ThreadCount { get; init; } = 1;

    /// <summary>Folder of the sockets by which <c>ovs-ofctl</c> finds bridges; null = there are none.</summary>
    public string? RunFolder { get; init; }

    /// <inheritdoc/>
    public IHostedBridge Create(BridgeConfig config) => new LiveBridge(this, config);

    /// <summary>A patch port appears; it and its peer find each other.</summary>
    internal void Join(PatchPort port, string peer)
    {
        _patches[port.Name] = new PatchEnd(port, peer);
        Connect();
    }

    /// <summary>A patch port goes.</summary>
    internal void Leave(PatchPort port)
    {
        _patches.Remove(port.Name);
        Connect();
    }

    /// <summary>Each end sends to the one that it names, if that names it back (OVS <c>ofport_update_peer</c>).</summary>
    private void Connect()
    {
        foreach (PatchEnd end in _patches.Values) end.Port.Peer = _patches.TryGetValue(end.Peer, out PatchEnd? other) && other.Peer == end.Port.Name ? other.Port : null;
    }

    private sealed record PatchEnd(PatchPort Port, string Peer);
}
