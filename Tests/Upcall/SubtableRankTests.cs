using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>A mask that most packets have is tried first, whenever it came.</summary>
public sealed class SubtableRankTests
{
    private const int Cold = 24;

    [Fact]
    public void The_hot_mask_comes_first()
    {
        using Dpcls dpcls = new();
        for (int i = 0; i <= Cold; i++)
        {
            FlowKey mask = default, value = default;
            mask.NwSrc = Be32.FromHost(uint.MaxValue << (i == Cold ? 0 : 1 + i));
            value.NwSrc = Be32.FromHost(i == Cold ? 1 : (0x80000000u >> 1) | (1u << (1 + i)));
            FlowKey.And(ref value, ref mask, ref value);
            dpcls.Insert(new Megaflow { Id = i, Rules = [], RecircIds = [], Mask = mask, Value = value });
        }

        FlowKey hot = default;
        hot.NwSrc = Be32.FromHost(1);
        ulong probed = 0;
        for (int i = 0; i < 40_000; i++) Assert.Equal(Cold, dpcls.Lookup(ref hot, FlowKey.HotLanes, ref probed));
        probed = 0;
        for (int i = 0; i < 1_000; i++) dpcls.Lookup(ref hot, FlowKey.HotLanes, ref probed);
        Assert.Equal(1_000UL, probed);
    }
}
