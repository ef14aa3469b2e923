using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Masked rewrites of random frames equal the slow reference, and the key afterwards equals a fresh parse.</summary>
public sealed class PacketEditPropertyTests
{
    private static readonly DpOp[] s_ops =
    [
        DpOp.SetEth, DpOp.SetVlan, DpOp.PushVlan, DpOp.PopVlan, DpOp.SetIpv4, DpOp.SetIpv6Addr, DpOp.SetIpv6Misc, DpOp.SetL4,
        DpOp.SetArp, DpOp.SetNd, DpOp.SetMpls, DpOp.PushMpls, DpOp.PopMpls,
    ];

    /// <summary>Seed 0 stands for that of the process: other frames in each run, the same ones with <c>MERGEFLOW_SEED</c>.</summary>
    [Theory]
    [InlineData(99, false)]
    [InlineData(99, true)]
    [InlineData(0, false)]
    public void Edits_equal_the_reference(int seed, bool leavesAtomic)
    {
        using var pool = new PacketPool(2, 16 * 1024);
        var random = new Random(seed != 0 ? seed : unchecked((int)ProcessSeed.For("packet edits")));
        var changed = new Dictionary<DpOp, int>();
        for (int i = 0; i < 300_000; i++)
        {
            int vlanLimit = 1 + (i % 2);
            PacketRef packet = pool.RentRef(SampleFrames.Random(random), 7);
            packet.LimitTags(vlanLimit);
            packet.Extract();
            for (int step = random.Next(3); step >= 0; step--)
            {
                packet.EnsureCurrent();
                DpAction action = RandomAction(random, packet);
                byte[] before = packet.Frame.ToArray();
                byte[] expected = PacketEditReference.Apply(packet, action, leavesAtomic);
                Assert.True(packet.Apply(action, leavesAtomic));
                if (!packet.Frame.SequenceEqual(expected))
                {
                    Assert.Fail($"{action.Op} {Convert.ToHexString(action.Bytes)} on {Convert.ToHexString(before)}: {Convert.ToHexString(packet.Frame)}, expected {Convert.ToHexString(expected)}");
                }

                if (!before.AsSpan().SequenceEqual(expected)) changed[action.Op] = changed.GetValueOrDefault(action.Op) + 1;
                AssertKeyIsFresh(pool, packet, vlanLimit, action, before);
            }

            pool.Return(packet);
        }

        foreach (DpOp op in s_ops) Assert.True(changed.GetValueOrDefault(op) > 500, $"{op} changed only {changed.GetValueOrDefault(op)} frames");
    }

    [Fact]
    public void Right_checksums_stay_right()
    {
        using var pool = new PacketPool(1, 16 * 1024);
        var random = new Random(7);
        int checkedCount = 0;
        foreach ((byte[] frame, _) in ExtractVectors.All)
        {
            PacketRef packet = pool.RentRef(frame, 1);
            packet.VerifyChecksums();
            PacketFlags before = packet.Flags;
            if ((before & PacketFlags.L4CsumGood) != 0)
            {
                packet.Apply(Fill(random, new DpAction { Op = DpOp.SetIpv4 }, 24));

                // Behind extension headers Open vSwitch does not always keep them right.
                bool isPlain = packet.Descriptor.L4Offset - packet.Descriptor.L3Offset <= 40;
                if (isPlain) packet.Apply(Fill(random, new DpAction { Op = DpOp.SetIpv6Addr }, 64));
                DpAction ports = Fill(random, new DpAction { Op = DpOp.SetL4 }, 8);
                ports.L4.Proto = packet.Key.NwProto;
                packet.Apply(ports);
                packet.VerifyChecksums();
                Assert.Equal(before, packet.Flags);
                checkedCount++;
            }

            pool.Return(packet);
        }

        Assert.True(checkedCount > 1000, $"only {checkedCount} frames had a good checksum");
    }

    private static void AssertKeyIsFresh(PacketPool pool, PacketRef packet, int vlanLimit, DpAction action, byte[] before)
    {
        packet.EnsureCurrent();
        PacketRef fresh = pool.RentRef(packet.Frame, 7);
        fresh.LimitTags(vlanLimit);
        fresh.Extract<MiniflowExtractor.ScalarKernel>();
        FlowKey a = packet.WholeKey();
        FlowKey b = fresh.WholeKey();
        bool same = FlowKey.Same(ref a, ref b)
            && packet.KeyLanes == fresh.KeyLanes
            && packet.Descriptor.L25Offset == fresh.Descriptor.L25Offset
            && packet.Descriptor.L3Offset == fresh.Descriptor.L3Offset
            && packet.Descriptor.L4Offset == fresh.Descriptor.L4Offset
            && packet.Descriptor.L2PadBytes == fresh.Descriptor.L2PadBytes;
        if (!same)
        {
            Assert.Fail($"{action.Op} {Convert.ToHexString(action.Bytes)} on {Convert.ToHexString(before)}: {FlowKeyFormatter.Format(a)}, fresh parse {FlowKeyFormatter.Format(b)}");
        }

        pool.Return(fresh);
    }

    private static DpAction RandomAction(Random random, PacketRef packet)
    {
        DpAction a = Fill(random, new DpAction { Op = s_ops[random.Next(s_ops.Length)] }, 80);
        switch (a.Op)
        {
            case DpOp.SetEth: RandomMask(random, a.Bytes.Slice(8 + 12, 12)); break;
            case DpOp.SetVlan: RandomMask(random, a.Bytes.Slice(8 + 2, 2)); break;
            case DpOp.SetIpv4: RandomMask(random, a.Bytes.Slice(8 + 8, 8)); RandomMask(random, a.Bytes.Slice(8 + 18, 2)); break;
            case DpOp.SetIpv6Addr: RandomMask(random, a.Bytes.Slice(8 + 32, 16)); RandomMask(random, a.Bytes.Slice(8 + 48, 16)); break;
            case DpOp.SetIpv6Misc: RandomMask(random, a.Bytes.Slice(8 + 4, 4)); RandomMask(random, a.Bytes.Slice(8 + 10, 2)); break;
            case DpOp.SetL4:
                RandomMask(random, a.Bytes.Slice(8 + 4, 4));
                a.L4.Proto = packet.WholeKey().NwProto;
                break;
            case DpOp.SetArp: RandomMask(random, a.Bytes.Slice(8 + 8, 8)); break;
            case DpOp.SetMpls: RandomMask(random, a.Bytes.Slice(8 + 4, 4)); break;
            case DpOp.PushVlan: a.EthType = random.Next(2) == 0 ? EthType.Vlan : EthType.QinQ; break;
            case DpOp.PushMpls: a.EthType = random.Next(2) == 0 ? EthType.Mpls : EthType.MplsMcast; break;
            case DpOp.PopMpls: a.EthType = random.Next(2) == 0 ? EthType.Ip : EthType.Mpls; break;
        }

        return a;
    }

    private static DpAction Fill(Random random, DpAction action, int sizeBytes)
    {
        random.NextBytes(action.Bytes.Slice(8, sizeBytes));

        // Words of all ones and all zeros are where ones-complement sums go wrong.
        if (random.Next(4) == 0) action.Bytes.Slice(8 + random.Next(sizeBytes / 2), 4).Fill((byte)(random.Next(2) * 255));
        return action;
    }

    private static void RandomMask(Random random, Span<byte> mask)
    {
        int kind = random.Next(4);
        if (kind == 0) mask.Clear();
        else if (kind == 1) mask.Fill(0xff);
        else if (kind == 2) mask[..(mask.Length / 2)].Clear();
    }
}
