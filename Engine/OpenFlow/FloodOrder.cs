using System.Numerics;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>The order in which Open vSwitch floods: that of its hash table of ports (OVS <c>struct hmap</c>, <c>hash_ofp_port</c>), into which the bridge's own port comes first. Of ports in one bucket theirs depends on how often the bridge was set up; here the newest is first.</summary>
internal static class FloodOrder
{
    private const uint Local = (uint)OfReservedPort.Local;

    /// <summary>Ports as a walk through the table meets them.</summary>
    public static PipelinePort[] Of(IEnumerable<PipelinePort> ports)
    {
        List<PipelinePort>[] buckets = [[]];
        int count = 0;
        foreach (PipelinePort port in ports.OrderBy(static p => p.Number != Local).ThenBy(static p => p.Number))
        {
            Insert(buckets, port);
            if (++count / 2 <= buckets.Length - 1) continue;
            List<PipelinePort>[] wider = [.. Enumerable.Range(0, Math.Max(4, (int)BitOperations.RoundUpToPowerOf2((uint)(count / 2) + 1))).Select(static _ => new List<PipelinePort>())];
            foreach (PipelinePort moved in buckets.SelectMany(static b => b)) Insert(wider, moved);
            buckets = wider;
        }

        return [.. buckets.SelectMany(static b => b)];
    }

    /// <summary>At the front of its bucket.</summary>
    private static void Insert(List<PipelinePort>[] buckets, PipelinePort port) => buckets[Hash(port.Number) & (uint)(buckets.Length - 1)].Insert(0, port);

    /// <summary>OVS <c>hash_int</c> with basis 0, as it is without the instruction for CRC32.</summary>
    private static uint Hash(uint x)
    {
        uint hash = (BitOperations.RotateLeft(x, 13) * 5) + 0xe6546b64;
        hash = (BitOperations.RotateLeft(hash, 13) * 5) + 0xe6546b64;
        hash ^= 8;
        hash = (hash ^ (hash >> 16)) * 0x85ebca6b;
        hash = (hash ^ (hash >> 13)) * 0xc2b2ae35;
        return hash ^ (hash >> 16);
    }
}
