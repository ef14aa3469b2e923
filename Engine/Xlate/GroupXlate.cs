using System.Buffers.Binary;
using System.Numerics;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using L = Mergeflow.Engine.Keys.KeyLayout;

namespace Mergeflow.Engine.Xlate;

/// <summary>Which bucket of a group a packet takes (OVS <c>pick_select_group</c>, <c>group_first_live_bucket</c>).</summary>
internal sealed unsafe class GroupXlate(XlateContext context, Freezer freezer)
{
    private const int MaxLivenessDepth = 128;

    private readonly XlateContext _context = context;
    private readonly XlateFlow _flow = context.Flow;
    private readonly Freezer _freezer = freezer;
    private readonly ulong _hashKey = context.Pipeline.Options.HashKey;

    /// <summary>Picks a bucket of a select group, -1 if none is live; false if the datapath has to compute a hash first.</summary>
    public bool Select(GroupState group, out int bucket)
    {
        bucket = -1;
        switch (group.Selection)
        {
            case GroupSelection.HashFields:
                bucket = BestLive(group, HashOfFields(group));
                return true;
            case GroupSelection.Symmetric:
                bucket = BestLive(group, SymmetricHash());
                return true;
            default:
                if (!_freezer.HasDpHash)
                {
                    _freezer.TriggerHash(group.HashAlgorithm, group.HashBasis);
                    return false;
                }

                uint mask = (uint)group.HashMap.Length - 1;
                _flow.Consult(L.DpHash, BinaryPrimitives.ReverseEndianness(mask));
                uint hash = XlateFlow.Read32(_flow.Current, L.DpHash);
                for (uint i = 0; i <= mask && bucket < 0; i++)
                {
                    int candidate = group.HashMap[(hash + i) & mask];
                    if (IsLive(group, candidate, 0)) bucket = candidate;
                }

                return true;
        }
    }

    private ulong HashOfFields(GroupState group)
    {
        ulong hash = Mix(_hashKey, group.Mod.SelectionParam);
        for (int i = 0; i < group.Mod.HashFields.Count; i++)
        {
            Field field = group.Mod.HashFields[i];
            UInt128 mask = group.Mod.HashMasks is { } masks ? masks[i] : UInt128.MaxValue;
            if (!_flow.Meets(field.Prereq)) continue;
            var range = new BitRange(field, 0, field.BitCount);
            _flow.Consult(range.Patch(mask, mask));
            UInt128 value = range.Read(_flow.Current) & mask;
            hash = Mix(Mix(hash, (ulong)(value >> 64)), (ulong)value);
        }

        return hash;
    }

    /// <summary>Hash that is the same for both directions (OVS <c>flow_hash_symmetric_l4</c>).</summary>
    private ulong SymmetricHash()
    {
        ref FlowKey key = ref _flow.Key;
        _flow.ConsultEthernet();
        _flow.ConsultVlanPresent();
        _flow.Consult(L.Vlan0Tci, TagModel.VidWindow);
        ulong hash = Mix(_hashKey ^ key.DlDst.ToUInt64() ^ key.DlSrc.ToUInt64(), (ulong)(key.Vlan0Tci.Host & TagModel.Vid));
        if (!_flow.IsIp) return hash;
        _flow.Consult(L.NwProto, 0xff);
        if (_flow.DlType == EthType.Ip)
        {
            _flow.Consult(L.NwSrc, ulong.MaxValue);
            hash = Mix(hash, key.NwSrc.Raw ^ key.NwDst.Raw);
        }
        else
        {
            _flow.ConsultIpv6(L.Ipv6Src);
            _flow.ConsultIpv6(L.Ipv6Dst);
            UInt128 both = key.Ipv6Src.ToUInt128() ^ key.Ipv6Dst.ToUInt128();
            hash = Mix(Mix(hash, (ulong)(both >> 64)), (ulong)both);
        }

        if (key.NwProto is IpProto.Tcp or IpProto.Sctp)
        {
            _flow.Consult(L.TpSrc, L.Window4);
            hash = Mix(hash, (ulong)(key.TpSrc.Raw ^ key.TpDst.Raw));
        }

        return Mix(hash, key.NwProto);
    }

    private int BestLive(GroupState group, ulong basis)
    {
        int best = -1;
        ulong bestScore = 0;
        for (int i = 0; i < group.Programs.Length; i++)
        {
            if (!IsLive(group, i, 0)) continue;
            ulong score = (Mix(basis, group.Mod.Buckets[i].BucketId) >> 48) * group.Mod.Buckets[i].Weight;
            if (best < 0 || score >= bestScore) (best, bestScore) = (i, score);
            _context.Detail($"bucket {group.Mod.Buckets[i].BucketId}: score {score}");
        }

        return best;
    }

    /// <summary>The first live bucket, -1 if there is none.</summary>
    public int FirstLive(GroupState group) => FirstLive(group, 0);

    private int FirstLive(GroupState group, int depth)
    {
        for (int i = 0; i < group.Programs.Length; i++)
        {
            if (IsLive(group, i, depth)) return i;
        }

        return -1;
    }

    private bool IsLive(GroupState group, int index, int depth)
    {
        GroupBucket bucket = group.Mod.Buckets[index];
        if (depth >= MaxLivenessDepth || (group.Mod.Type == GroupType.Select && bucket.Weight == 0)) return false;
        if (bucket.WatchPort is null && bucket.WatchGroup is null) return true;
        return (bucket.WatchPort is { } port && _context.Tables.LivePorts.Contains(port))
            || (bucket.WatchGroup is { } id && _context.Tables.Groups.TryGetValue(id, out GroupState? other) && FirstLive(other, depth + 1) >= 0);
    }

    private static ulong Mix(ulong hash, ulong word)
    {
        ulong h = (BitOperations.RotateLeft(hash, 23) ^ word) * 0x9E37_79B9_7F4A_7C15;
        return h ^ (h >> 29);
    }
}
