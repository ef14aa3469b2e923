using Mergeflow.Engine.Keys;

namespace Mergeflow.Engine.Conntrack;

/// <remarks>What only tests look at, and the calls of control that no command makes yet.</remarks>
public sealed unsafe partial class ConnTracker
{
    /// <summary>Most expectations; further announcements are not heard.</summary>
    public const int MaxExpectations = Expectations.Max;

    /// <summary>Connections that are expected.</summary>
    public int ExpectationCount => _expectations.Count;

    /// <summary>Memory reserved, in bytes; the system provides it page by page as connections appear.</summary>
    public ulong ReservedBytes => _memory.ReservedBytes;

    /// <summary>Packets that could not create a connection because the table or the zone was full, or NAT found no free tuple.</summary>
    public ulong RefusedConnections => RefusedByFullTable + RefusedByZoneLimit + RefusedByNat;

    /// <summary>Fragments on hold.</summary>
    public int HeldFragments => (int)Sum(static thread => (ulong)thread.HeldFragments);

    /// <summary>Fragments that were dropped to make room for others, since the start.</summary>
    public long FragmentsEvicted => (long)Sum(static thread => (ulong)thread.FragmentsEvicted);

    /// <summary>Fragments that were no good or had no room, since the start.</summary>
    public long FragmentsRefused => (long)Sum(static thread => (ulong)thread.FragmentsRefused);

    /// <summary>Datagrams that became complete, since the start.</summary>
    public long DatagramsReassembled => (long)Sum(static thread => (ulong)thread.DatagramsReassembled);

    /// <summary>The numbers of the two buckets of a hash.</summary>
    internal (uint First, uint Second) BucketsOf(ulong hash)
    {
        uint first = (uint)hash & _view.BucketMask;
        return (first, _view.MateOf(first, ConnBucket.SignatureOf(hash)));
    }

    /// <summary>Adds a timeout policy or replaces it; connections under it follow from their next packet on.</summary>
    /// <exception cref="ArgumentException">Too many policies.</exception>
    public void SetTimeoutPolicy(CtTimeoutPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        _timeouts.Set(policy);
    }

    /// <summary>Removes a policy: its connections go back to the default timeouts from their next packet on.</summary>
    public bool RemoveTimeoutPolicy(uint id) => _timeouts.Remove(id);

    /// <summary>Connections of a zone that begin from now on, by an action that names no policy, are under this one; 0 = the default policy.</summary>
    public void SetZoneTimeouts(ushort zone, uint policyId) => _timeouts.SetZone(zone, policyId);

    /// <summary>Number of packet threads.</summary>
    public int ThreadCount => _threads.Length;
}
