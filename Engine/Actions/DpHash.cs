namespace Mergeflow.Engine;

/// <summary>Computes dp_hash from the 5-tuple (OVS <c>struct ovs_action_hash</c>).</summary>
public struct DpHash
{
    /// <summary>0 = L4 (addresses, protocol, ports), 1 = symmetric L4.</summary>
    public uint Algorithm;

    /// <summary>Seed.</summary>
    public uint Basis;
}
