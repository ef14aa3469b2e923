using System.Runtime.Intrinsics;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// Keys that meet in one bucket under one signature: only the comparison of the whole key tells them apart. Enough keys are tried for such pairs to
/// occur under any seed.
/// </summary>
public sealed class CollisionTests
{
    /// <summary>Of 2^21 keys some 30 pairs agree in 32 bits of signature and 4 of bucket.</summary>
    private const int Keys = 1 << 21;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_merged_rule_is_for_its_own_key_only(bool isWide)
    {
        using MergedFlowTable table = new(16);
        using PacketPool pool = new(1, 256);
        PacketRef packet = pool.RentRef(new byte[64], 0);
        FlowKey mask = default;
        mask.NwSrc = mask.NwDst = new Be32(~0u);
        if (isWide) mask.Ipv6Src = Ipv6Address.FromUInt128(UInt128.MaxValue);
        long[] ids = new long[1];
        int pairs = 0;
        foreach ((int a, int b) in Pairs(i => HashOf(i, isWide)))
        {
            FlowKey rule = Key(a, isWide), other = Key(b, isWide);
            int slot = table.TryAdd(new MergedFlow(pairs) { Mask = mask, Value = rule }, out _);
            Assert.True(slot >= 0);
            packet.SetKey(ref other);
            table.Probe([packet], ids);
            Assert.Equal(-1, ids[0]);
            packet.SetKey(ref rule);
            table.Probe([packet], ids);
            Assert.True(ids[0] >= 0);
            table.Unpublish(slot);
            table.Release(slot);
            pairs++;
        }

        pool.Return(packet);
        Assert.True(pairs > 0, "no two keys met: nothing was tested");
    }

    /// <summary>A subtable's tags have 15 bits: hundreds of the keys have that of the megaflow.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_megaflow_is_for_its_own_key_only(bool isWide)
    {
        FlowKey mask = default;
        mask.NwSrc = mask.NwDst = new Be32(~0u);
        if (isWide) mask.Ipv6Src = Ipv6Address.FromUInt128(UInt128.MaxValue);
        using DpclsSubtable subtable = new(ref mask);
        FlowKey own = Key(0, isWide);
        subtable.Insert(ref own, 7);
        uint lanes = (1u << FlowKey.LaneCount) - 1;
        Assert.Equal(7, subtable.Lookup(ref own, lanes));
        for (int i = 1; i < Keys; i++)
        {
            FlowKey other = Key(i, isWide);
            Assert.Equal(-1, subtable.Lookup(ref other, lanes));
        }
    }

    /// <summary>One bucket for all: an entry is for its own key only, whichever lane differs.</summary>
    [Fact]
    public void An_entry_of_the_microflow_cache_is_for_its_own_key_only()
    {
        using ExactMatchCache cache = new(4);
        Vector256<byte> zero = Vector256<byte>.Zero;
        cache.Insert(zero, zero, 0, 9, 1);
        Assert.Equal(9, cache.Lookup(zero, zero, 0).Id);
        for (int at = 0; at < 64; at++)
        {
            // Bytes 2..7 and 26..29 of lane 1 belong to the cache.
            if (at is >= 34 and < 40 or >= 58 and < 62) continue;
            Vector256<byte> bit = Vector256.Create((byte)0).WithElement(at % 32, (byte)1);
            Assert.Equal(-1, (at < 32 ? cache.Lookup(bit, zero, 0) : cache.Lookup(zero, bit, 0)).Id);
        }
    }

    private static IEnumerable<(int A, int B)> Pairs(Func<int, ulong> hashOf)
    {
        ulong[] at = new ulong[Keys];
        int[] keys = new int[Keys];
        for (int i = 0; i < Keys; i++)
        {
            // A table that begins has 16 buckets; the signature is the upper half.
            ulong hash = hashOf(i);
            (at[i], keys[i]) = ((hash >> 32 << 4) | (hash & 15), i);
        }

        Array.Sort(at, keys);
        for (int i = 1; i < Keys; i++)
        {
            if (at[i] == at[i - 1]) yield return (keys[i - 1], keys[i]);
        }
    }

    private static FlowKey Key(int i, bool isWide)
    {
        FlowKey key = default;
        if (isWide) key.Ipv6Src = Ipv6Address.FromUInt128((UInt128)(uint)i);
        else key.NwSrc = new Be32((uint)i);
        return key;
    }

    /// <summary>As the table computes it for its first template.</summary>
    private static ulong HashOf(int i, bool isWide)
    {
        FlowKey key = Key(i, isWide);
        ulong hash = KeyedHash.Hash64(FlowKey.Lane(ref key, 0), FlowKey.Lane(ref key, 1), 0);
        if (!isWide) return hash;
        for (int lane = 2; lane < FlowKey.LaneCount; lane++)
        {
            if (FlowKey.Lane(ref key, lane) != Vector256<byte>.Zero || (i == 0 && lane == WideLane)) hash = KeyedHash.Hash32(FlowKey.Lane(ref key, lane), hash);
        }

        return hash;
    }

    private static readonly int WideLane = LaneOfIpv6Source();

    private static int LaneOfIpv6Source()
    {
        FlowKey key = Key(1, isWide: true);
        return System.Numerics.BitOperations.Log2(FlowKey.LaneMap(ref key));
    }
}
