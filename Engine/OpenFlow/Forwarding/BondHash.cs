using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>Hashes of bonds, with the values of Open vSwitch as it is built for any x86-64.</summary>
public static class BondHash
{
    /// <summary>Of a source address and its VLAN (OVS <c>hash_mac</c>): the bucket of <c>balance-slb</c> is the rest by <see cref="BondPlan.BucketCount"/>.</summary>
    public static uint OfMac(ulong mac, ushort vlan, uint basis)
    {
        ulong word = ((ulong)vlan << 48) | mac;
        return JenkinsHash.Finish(JenkinsHash.Add(JenkinsHash.Add(basis, (uint)word), (uint)(word >> 32)), sizeof(ulong));
    }
}
