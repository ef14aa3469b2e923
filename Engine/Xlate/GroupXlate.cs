using System.Numerics;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.OpenFlow;
using L = Mergeflow.Engine.Keys.TranslatorLayout;

namespace Mergeflow.Engine.Xlate;

/// <content>Groups (OVS <c>xlate_group_action</c>).</content>
public sealed unsafe partial class Translator
{
    private const int MaxLivenessDepth = 128;

    /// <summary>Runs a group; false ends the caller's list: there is no such group.</summary>
    private bool RunGroup(uint groupId, bool last)
    {
        if (!MayResubmit()) return true;
        if (!_tables.Groups.TryGetValue(groupId, out GroupState? group))
        {
            Note(null, $"output to nonexistent group {groupId}");
            return false;
        }

        switch (group.Mod.Type)
        {
            case GroupType.All:
            case GroupType.Indirect:
                for (int i = 0; i < group.Programs.Length; i++) RunBucket(group, i, last && i == group.Programs.Length - 1);
                return true;
            case GroupType.FastFailover:
                RunPicked(group, FirstLive(group, 0), last);
                return true;
            default:
                if (_wasMpls) TriggerFreeze();
                else if (Select(group, out int bucket)) RunPicked(group, bucket, last);
                return true;
        }
    }

    private void RunPicked(GroupState group, int bucket, bool last)
    {
        if (bucket >= 0) RunBucket(group, bucket, last);
        else Note(null, "no live bucket");
    }

    /// <summary>A bucket works on a copy: the flow is rolled back behind it, the datapath's packet by set actions if need be.</summary>
    private void RunBucket(GroupState group, int index, bool last)
    {
        if (_out.Steps is not null) Note(null, $"bucket {group.Mod.Buckets[index].BucketId}");
        int saved = Save();
        _depth++;
        Run(group.Programs[index], last);
        _depth--;
        if (_isBucketError)
        {
            _out.Error = null;
            _isBucketError = false;
        }

        if (_freezing && _out.Error is null) FinishFreezing();
        RestoreFlow(saved);
        _exit = false;
    }

    /// <summary>Picks a bucket of a select group, -1 if none is live; false if the datapath has to compute a hash first.</summary>
    private bool Select(GroupState group, out int bucket)
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
                if (!_hasDpHash)
                {
                    TriggerFreeze();
                    (_hashBeforeRecirc, _hashAlgorithm, _hashBasis) = (true, group.HashAlgorithm, group.HashBasis);
                    return false;
                }

                uint mask = (uint)group.HashMap.Length - 1;
                Consult(L.DpHash, BinaryPrimitivesBe(mask));
                uint hash = Read32(_flow, L.DpHash);
                for (uint i = 0; i <= mask && bucket < 0; i++)
                {
                    int candidate = group.HashMap[(hash + i) & mask];
                    if (IsLive(group, candidate, 0)) bucket = candidate;
                }

                return true;
        }
    }

    private static uint BinaryPrimitivesBe(uint value) => System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(value);

    private ulong HashOfFields(GroupState group)
    {
        ulong hash = Mix(_pipeline.Options.HashKey, group.Mod.SelectionParam);
        foreach (Field field in group.Mod.HashFields)
        {
            if (!Meets(field.Prereq)) continue;
            var range = new BitRange(field, 0, field.BitCount);
            range.Patch(UInt128.MaxValue, UInt128.MaxValue).Consult(_wc, _live);
            UInt128 value = range.Read(_flow);
            hash = Mix(Mix(hash, (ulong)(value >> 64)), (ulong)value);
        }

        return hash;
    }

    /// <summary>Hash that is the same for both directions (OVS <c>flow_hash_symmetric_l4</c>).</summary>
    private ulong SymmetricHash()
    {
        ref FlowKey key = ref *(FlowKey*)_flow;
        Consult(L.DlDst, ulong.MaxValue);
        Consult(L.DlDst + 8, L.Window4);
        ConsultVlanPresent();
        Consult(L.Vlan0Tci, 0xff0f);
        ulong hash = Mix(_pipeline.Options.HashKey ^ key.DlDst.ToUInt64() ^ key.DlSrc.ToUInt64(), (ulong)(key.Vlan0Tci.Host & 0xfff));
        if (!IsIp) return hash;
        Consult(L.NwProto, 0xff);
        if (DlTypeHost == EthType.Ip)
        {
            Consult(L.NwSrc, ulong.MaxValue);
            hash = Mix(hash, key.NwSrc.Raw ^ key.NwDst.Raw);
        }
        else
        {
            for (int i = 0; i < 4; i++) Consult(L.Ipv6Src + (8 * i), ulong.MaxValue);
            UInt128 both = key.Ipv6Src.ToUInt128() ^ key.Ipv6Dst.ToUInt128();
            hash = Mix(Mix(hash, (ulong)(both >> 64)), (ulong)both);
        }

        if (key.NwProto is IpProto.Tcp or IpProto.Sctp)
        {
            Consult(L.TpSrc, L.Window4);
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
        }

        return best;
    }

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
        return (bucket.WatchPort is { } port && _tables.LivePorts.Contains(port))
            || (bucket.WatchGroup is { } id && _tables.Groups.TryGetValue(id, out GroupState? other) && FirstLive(other, depth + 1) >= 0);
    }

    private static ulong Mix(ulong hash, ulong word)
    {
        ulong h = (BitOperations.RotateLeft(hash, 23) ^ word) * 0x9E37_79B9_7F4A_7C15;
        return h ^ (h >> 29);
    }
}
