using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The soft device's table: what the vector probe finds is what a linear scalar search finds.</summary>
public sealed class MergedFlowTableTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Probe_agrees_with_the_scalar_search(int seed)
    {
        Random random = new(seed);
        using PacketPool pool = new(32, 256);
        using MergedFlowTable table = new(600, templateCapacity: 4);
        List<int> slots = [];
        int id = 0;
        int found = 0;
        for (int round = 0; round < 40; round++)
        {
            for (int i = 0; i < 40; i++)
            {
                if (slots.Count > 0 && random.Next(3) == 0)
                {
                    int at = random.Next(slots.Count);
                    table.Unpublish(slots[at]);
                    table.Release(slots[at]);
                    slots.RemoveAt(at);
                    continue;
                }

                MergedFlow rule = Rule(random, id);
                if (table.FindScalar(rule.Value) >= 0 || table.Check(rule) != OffloadReason.None) continue;
                int slot = table.TryAdd(rule, out OffloadReason reason);
                Assert.Equal(OffloadReason.None, reason);
                slots.Add(slot);
                id++;
            }

            PacketRef[] packets = new PacketRef[32];
            for (int i = 0; i < 32; i++)
            {
                packets[i] = pool.RentRef(new byte[64], 1);
                FlowKey key = Key(random);
                packets[i].SetKey(ref key);
            }

            long[] ids = new long[32];
            table.Probe(packets, ids);
            for (int i = 0; i < 32; i++)
            {
                long expected = table.FindScalar(packets[i].WholeKey());
                Assert.Equal(expected >= 0, ids[i] >= 0);
                if (expected >= 0) found++;
                pool.Return(packets[i]);
            }
        }

        Assert.Equal(slots.Count, table.Count);
        Assert.True(found > 100, $"only {found} hits");
    }

    [Fact]
    public void Masks_are_bounded_and_come_back_when_their_rules_are_gone()
    {
        using MergedFlowTable table = new(8, templateCapacity: 1);
        FlowKey mask = default;
        mask.DlType = new Be16(0xffff);
        int slot = table.TryAdd(new MergedFlow { Mask = mask }, out _);
        mask.NwSrc = new Be32(~0u);
        Assert.Equal(OffloadReason.TemplateLimit, table.Check(new MergedFlow { Mask = mask }));
        table.Unpublish(slot);
        Assert.Equal(OffloadReason.None, table.Check(new MergedFlow { Mask = mask }));
        table.Release(slot);
        Assert.True(table.TryAdd(new MergedFlow { Mask = mask }, out _) >= 0);
        Assert.Equal(1, table.TemplateCount);
    }

    [Fact]
    public void A_full_table_says_so()
    {
        using MergedFlowTable table = new(1);
        FlowKey mask = default;
        mask.NwSrc = new Be32(~0u);
        Assert.True(table.TryAdd(new MergedFlow { Mask = mask }, out _) >= 0);
        Assert.Equal(-1, table.TryAdd(new MergedFlow { Mask = mask, Value = new FlowKey { NwSrc = new Be32(1) } }, out OffloadReason reason));
        Assert.Equal(OffloadReason.TableFull, reason);
    }

    /// <summary>Small domains: keys and rules meet often.</summary>
    private static FlowKey Key(Random random)
    {
        FlowKey k = default;
        k.DlType = Be16.FromHost(EthType.Ip);
        k.NwSrc = Be32.FromHost((uint)random.Next(40));
        k.TpDst = Be16.FromHost((ushort)random.Next(20));
        if (random.Next(4) == 0) k.Ipv6Src = Ipv6Address.FromUInt128((UInt128)random.Next(3));
        return k;
    }

    private static MergedFlow Rule(Random random, int id)
    {
        FlowKey mask = default;
        mask.DlType = new Be16(0xffff);
        switch (random.Next(3))
        {
            case 0: mask.NwSrc = new Be32(~0u); mask.TpDst = new Be16(0xffff); break;
            case 1: mask.NwSrc = new Be32(~0u); break;
            default: mask.TpDst = new Be16(0xffff); mask.Ipv6Src = Ipv6Address.FromUInt128(UInt128.MaxValue); break;
        }

        FlowKey key = Key(random);
        MergedFlow rule = new(id) { Mask = mask };
        FlowKey.And(ref key, ref mask, ref rule.Value);
        return rule;
    }
}
