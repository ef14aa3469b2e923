namespace Mergeflow.Engine.Actions;

/// <summary>Computes dp_hash (OVS <c>struct ovs_action_hash</c>), see <see cref="DpHashFunction"/>.</summary>
public struct DpHash
{
    /// <summary>0 = L4 (addresses, protocol, ports), 1 = symmetric.</summary>
    public uint Algorithm;

    /// <summary>Seed.</summary>
    public uint Basis;
}
