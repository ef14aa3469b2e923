using System.Numerics;

namespace Mergeflow.Engine.OpenFlow;

/// <summary>A group ready for translation (OVS <c>struct group_dpif</c>).</summary>
internal sealed class GroupState
{
    private const int MinHashValues = 16;
    private const int MaxHashValues = 256;

    /// <summary>Prepares <paramref name="mod"/>.</summary>
    /// <param name="mod">As configured.</param>
    /// <param name="isShared">Several threads count at the same time.</param>
    public GroupState(GroupMod mod, bool isShared)
    {
        Mod = mod;
        Stats = new OfRuleStats(isShared: isShared);
        BucketStats = [.. mod.Buckets.Select(_ => new OfRuleStats(isShared: isShared))];
        var list = new List<XlateOp>();
        Programs = new XlateOp[mod.Buckets.Count][];
        for (int i = 0; i < Programs.Length; i++)
        {
            XlateCompiler.OrderActionSet(XlateCompiler.Compile(mod.Buckets[i].Actions), list);
            Programs[i] = [.. list];
        }

        UsesNormal = Array.Exists(Programs, static p => Array.Exists(p, static o => o.LearnsFromPackets));
        if (mod.Type == GroupType.Select) ChooseMethod();
    }

    /// <summary>As configured.</summary>
    public GroupMod Mod { get; }

    /// <summary>Per bucket, its action set in execution order.</summary>
    public XlateOp[][] Programs { get; }

    /// <summary>What the group has counted; a modification begins anew, as in Open vSwitch.</summary>
    public OfRuleStats Stats { get; }

    /// <summary>The same per bucket.</summary>
    public OfRuleStats[] BucketStats { get; }

    /// <summary>Some bucket has the action <c>normal</c>.</summary>
    public bool UsesNormal { get; }

    /// <summary>Select: how the bucket is found.</summary>
    public GroupSelection Selection { get; private set; }

    /// <summary>dp_hash: algorithm of <see cref="DpHash.Algorithm"/>.</summary>
    public uint HashAlgorithm { get; private set; }

    /// <summary>dp_hash: seed.</summary>
    public uint HashBasis { get; private set; }

    /// <summary>dp_hash: bucket index for each value of the hash's low bits; a power of two long.</summary>
    public int[] HashMap { get; private set; } = [];

    /// <summary>How a select group finds its bucket, in the words of Open vSwitch's log (<c>group_set_selection_method</c>); nothing for other types.</summary>
    public IEnumerable<string> Explain()
    {
        if (Mod.Type != GroupType.Select) yield break;
        yield return $"Constructing select group {Mod.GroupId}";
        bool isAsked = !string.IsNullOrEmpty(Mod.SelectionMethod);
        yield return isAsked ? $"Selection method specified: {Mod.SelectionMethod}." : "No selection method specified. Trying dp_hash.";
        if (Mod.SelectionMethod == "hash")
        {
            if (Mod.HashFields.Count == 0) yield return "No hash fields. Falling back to default hash method.";
            yield break;
        }

        foreach (string line in ExplainHash()) yield return line;
        yield return Selection == GroupSelection.DpHash
            ? $"Use dp_hash with {HashMap.Length} hash values using algorithm {HashAlgorithm}."
            : "Falling back to default hash method.";
    }

    private IEnumerable<string> ExplainHash()
    {
        ulong total = Mod.Buckets.Aggregate(0ul, static (sum, b) => sum + b.Weight);
        if (Mod.Buckets.Count == 0)
        {
            yield return "  Don't apply dp_hash method without buckets.";
            yield break;
        }

        if (total == 0)
        {
            yield return "  Total weight is zero. No active buckets.";
            yield break;
        }

        ulong least = Mod.Buckets.Where(static b => b.Weight > 0).Min(static b => (ulong)b.Weight);
        yield return $"  Minimum weight: {least}, total weight: {total}";
        if (Selection != GroupSelection.DpHash)
        {
            yield return $"  Too many hash values required: {Math.Max(MinHashValues, BitOperations.RoundUpToPowerOf2((total + least - 1) / least))}";
            yield break;
        }

        yield return $"  Using {HashMap.Length} hash values:";
        for (int i = 0; i < Mod.Buckets.Count; i++)
        {
            GroupBucket bucket = Mod.Buckets[i];
            double target = HashMap.Length * bucket.Weight / (double)total;
            yield return string.Create(System.Globalization.CultureInfo.InvariantCulture, $"  Bucket {bucket.BucketId}: weight={bucket.Weight}, target={target:F2} hits={HashMap.Count(b => b == i)}");
        }
    }

    private void ChooseMethod()
    {
        switch (Mod.SelectionMethod)
        {
            case null or "":
                if (BuildHashMap(MaxHashValues)) (Selection, HashAlgorithm) = (GroupSelection.DpHash, 1);
                break;
            case "dp_hash":
                if (!BuildHashMap(MaxHashValues)) break;
                Selection = GroupSelection.DpHash;
                HashAlgorithm = (uint)(Mod.SelectionParam >> 32) <= 1 ? (uint)(Mod.SelectionParam >> 32) : 0;
                HashBasis = (uint)Mod.SelectionParam;
                break;
            case "hash":
                if (Mod.HashFields.Count > 0) Selection = GroupSelection.HashFields;
                break;
            default:
                throw new FlowModException("OFPGMFC_BAD_TYPE", $"unknown selection_method {Mod.SelectionMethod}");
        }
    }

    /// <summary>Spreads the buckets over hash values in proportion to their weights (Webster's method, as OVS does).</summary>
    private bool BuildHashMap(int limit)
    {
        ulong total = 0;
        uint least = uint.MaxValue;
        foreach (GroupBucket b in Mod.Buckets)
        {
            total += b.Weight;
            if (b.Weight > 0) least = Math.Min(least, b.Weight);
        }

        if (total == 0) return false;
        ulong slots = BitOperations.RoundUpToPowerOf2((total + least - 1) / least);
        slots = Math.Max(MinHashValues, slots);
        if (slots > (ulong)limit) return false;

        var divisors = new uint[Mod.Buckets.Count];
        Array.Fill(divisors, 1u);
        HashMap = new int[slots];
        for (int h = 0; h < HashMap.Length; h++)
        {
            int winner = 0;
            for (int i = 1; i < divisors.Length; i++)
            {
                if ((double)Mod.Buckets[i].Weight / divisors[i] > (double)Mod.Buckets[winner].Weight / divisors[winner]) winner = i;
            }

            divisors[winner] += 2;
            HashMap[h] = winner;
        }

        return true;
    }
}

/// <summary>How a select group finds its bucket (OVS <c>enum group_selection_method</c>).</summary>
internal enum GroupSelection : byte
{
    /// <summary>Symmetric hash in translation.</summary>
    Symmetric,

    /// <summary>Hash computed by the datapath, then recirculation.</summary>
    DpHash,

    /// <summary>Hash of the given fields in translation.</summary>
    HashFields,
}
