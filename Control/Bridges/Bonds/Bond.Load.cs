using System.Globalization;
using System.Text;
using Mergeflow.Engine.OpenFlow;

namespace Mergeflow.Control.Bridges;

/// <content>What members carry, and how it is shared anew (OVS <c>bond_rebalance</c>); and whom a switch behind is told to send to, when members change.</content>
public sealed partial class Bond
{
    /// <summary>Less is not worth moving: some 1 Mbit/s at the usual interval.</summary>
    private const ulong LeastOverload = 100_000;

    private readonly BondCounters _counters = new();

    /// <summary>Bytes of each bucket as they were counted last.</summary>
    private readonly ulong[] _seen = new ulong[BondPlan.BucketCount];

    /// <summary>Bytes that each bucket has sent lately: half of what was before counts at each look.</summary>
    private readonly ulong[] _loads = new ulong[BondPlan.BucketCount];
    private BondPlan? _plan;
    private long _rebalanceDueMs;
    private int _rebalanceMs = -1;
    private bool _nowBalanced;
    private bool _hasToTell;

    /// <summary>Flows are moved by load, as far as the database has a say.</summary>
    private bool IsBalanced => _options.RebalanceMs != 0 && _options.Mode != BondMode.ActiveBackup;

    /// <summary>
    /// The active member, or one that was used, has changed since this was asked last: whoever is behind the bond has to hear where addresses are now that are behind other ports (OVS
    /// <c>bond_should_send_learning_packets</c>). With LACP they know.
    /// </summary>
    public bool TakeHasToTell()
    {
        bool told = _hasToTell;
        _hasToTell = false;
        return told && IsBond && _plan is { Lacp: BondLacp.Off, Mode: not BondMode.BalanceTcp, Active: not null };
    }

    /// <summary>The member by which an address of another port is sent, as it was at the last <see cref="Run"/>; null = none.</summary>
    public uint? MemberOf(ulong mac, ushort vlan) => _plan switch
    {
        { Mode: BondMode.ActiveBackup } plan => plan.Active,
        { Buckets.Count: > 0 } plan => plan.Buckets[(int)(BondHash.OfMac(mac, vlan, plan.Basis) % BondPlan.BucketCount)],
        _ => null,
    };

    private void WriteLoads(StringBuilder text, Member member)
    {
        for (int i = 0; i < _buckets.Length; i++)
        {
            if (_buckets[i] == member && _loads[i] >= 1024) text.Append(CultureInfo.InvariantCulture, $"  hash {i}: {_loads[i] / 1024} kB load\n");
        }
    }

    /// <summary>Counts what was sent; when it is time, moves buckets from the members that carry most to those that carry least. True if any moved.</summary>
    private bool Rebalance(long nowMs)
    {
        for (int i = 0; i < _loads.Length; i++)
        {
            ulong bytes = _counters.BytesOf(i);
            _loads[i] += bytes - _seen[i];
            _seen[i] = bytes;
        }

        if (_rebalanceMs != _options.RebalanceMs)
        {
            _rebalanceDueMs = _rebalanceMs < 0 ? nowMs + _options.RebalanceMs : Math.Min(_rebalanceDueMs, nowMs + _options.RebalanceMs);
            _rebalanceMs = _options.RebalanceMs;
        }

        if (nowMs < _rebalanceDueMs) return false;
        _rebalanceDueMs = nowMs + _options.RebalanceMs;
        bool isMoved = ShareAnew();
        for (int i = 0; i < _loads.Length; i++) _loads[i] /= 2;
        return isMoved;
    }

    private bool ShareAnew()
    {
        Dictionary<Member, List<int>> hashes = _members.Where(static m => m.IsEnabled).ToDictionary(static m => m, static _ => new List<int>());
        Dictionary<Member, ulong> loads = hashes.Keys.ToDictionary(static m => m, static _ => 0ul);
        foreach (int hash in Enumerable.Range(0, _buckets.Length).Where(h => _loads[h] > 0).OrderByDescending(h => _loads[h]))
        {
            if (_buckets[hash] is not { } member || !hashes.TryGetValue(member, out List<int>? own)) continue;
            own.Add(hash);
            loads[member] += _loads[hash];
        }

        bool isMoved = false;
        for (List<Member> left = [.. hashes.Keys]; left.Count > 1;)
        {
            Member from = left.MaxBy(m => loads[m])!, to = left.MinBy(m => loads[m])!;
            ulong overload = loads[from] - loads[to];
            if (overload < loads[to] >> 5 || overload < LeastOverload) break;
            List<int> chosen = Choose(hashes[from], loads[from], loads[to]);
            if (chosen.Count == 0) left.Remove(from);
            foreach (int hash in chosen)
            {
                ulong load = _loads[hash];
                loads[from] -= load;
                loads[to] += load;
                log(string.Create(CultureInfo.InvariantCulture, $"bond {name}: shift {load / 1024}kB of load (with hash {hash}) from {from.Options.Name} to {to.Options.Name} (now carrying {loads[from] / 1024}kB and {loads[to] / 1024}kB load, respectively)"));
                _buckets[hash] = to;

                // It is not moved on in the same run.
                hashes[from].Remove(hash);
                isMoved = true;
            }
        }

        return isMoved;
    }

    /// <summary>Which buckets of a member, heaviest first, bring it and the one with the least load closest to the middle; none if that is no tenth better (OVS <c>choose_entries_to_migrate</c>).</summary>
    private List<int> Choose(List<int> hashes, ulong fromLoad, ulong toLoad)
    {
        // A single one would only change its place.
        if (hashes.Count < 2) return [];
        ulong ideal = ((fromLoad + toLoad) / 2) - toLoad, threshold = ideal / 10, sum = 0;
        List<int> chosen = [];
        foreach (int hash in hashes)
        {
            if (sum + _loads[hash] <= ideal)
            {
                chosen.Add(hash);
                sum += _loads[hash];
            }

            if (ideal - sum < threshold) break;
        }

        if (chosen.Count == 0)
        {
            chosen.Add(hashes[^1]);
            sum = _loads[hashes[^1]];
        }

        ulong low = Math.Min(fromLoad - sum, toLoad + sum);
        return low > toLoad && low - toLoad >= threshold ? chosen : [];
    }
}
