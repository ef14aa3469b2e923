using System.Buffers.Binary;
using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>
/// Frames that meet in one slot of the device's exact-match table under one tag and differ in a single field: only the comparison tells them apart.
/// </summary>
public sealed class NicCollisionTests
{
    /// <summary>Of 2^20 keys some 16 pairs agree in 31 bits of tag and 4 of slot.</summary>
    private const int Keys = 1 << 20;

    private const ulong SlotMask = 15;

    /// <summary>Where four bytes of a field are in the key and, but for the port, in the frame. Each is in another 64-bit word.</summary>
    public static TheoryData<string, int, int> Fields => new()
    {
        { "eth_dst", 2, 2 },
        { "eth_src", 8, 8 },
        { "port", 16, -1 },
        { "ipv4_src", 36, 26 },
        { "ipv4_dst", 40, 30 },
    };

    [Theory]
    [MemberData(nameof(Fields))]
    public void A_rule_is_for_its_own_key_only(string field, int keyAt, int frameAt)
    {
        byte[] frame = NicFrame.TcpIpv4();
        using NicBench bench = new();
        (uint a, uint b) = Meeting(bench.Nic.Profile, frame, keyAt);
        (byte[] own, uint ownPort) = With(frame, frameAt, a);
        (byte[] other, uint otherPort) = With(frame, frameAt, b);

        NicHandle first = bench.Create(RuleFor(own, ownPort, 8));
        Assert.NotNull(bench.Receive(own, ownPort));
        Assert.True(bench.Receive(other, otherPort) is null, $"a frame with another {field} hits");

        NicHandle second = bench.Create(RuleFor(other, otherPort, 9));
        Assert.Equal(1, bench.Nic.TemplateCount);
        Assert.Equal(8u, Assert.Single(bench.Receive(own, ownPort)!).Port);
        Assert.Equal(9u, Assert.Single(bench.Receive(other, otherPort)!).Port);

        bench.Destroy(second);
        Assert.Equal(8u, Assert.Single(bench.Receive(own, ownPort)!).Port);
        Assert.Null(bench.Receive(other, otherPort));
        bench.Destroy(first);
    }

    /// <summary>Two values of the field whose keys have one tag and one slot in a template of 16 slots.</summary>
    private static (uint First, uint Second) Meeting(NicProfile profile, byte[] frame, int keyAt)
    {
        Assert.Null(FlowRuleCompiler.TryCompile(profile, RuleFor(frame, 1, 2), out CompiledRule? rule));
        using ExactMatchTemplate template = new(ref rule!.Mask, new NicOptions().Seed);
        NicKey key = rule.Value;
        ulong[] at = new ulong[Keys];
        uint[] values = new uint[Keys];
        for (uint i = 0; i < Keys; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(key.Bytes[keyAt..], i);
            ulong hash = template.HashOf(ref key);
            (at[i], values[i]) = (((hash >> 32) & SlotMask) << 32 | (uint)hash | 1, i);
        }

        Array.Sort(at, values);
        for (int i = 1; i < Keys; i++)
        {
            if (at[i] == at[i - 1]) return (values[i - 1], values[i]);
        }

        throw new InvalidOperationException("no two keys met: nothing was tested");
    }

    private static (byte[] Frame, uint Port) With(byte[] frame, int frameAt, uint value)
    {
        if (frameAt < 0) return (frame, value);
        byte[] changed = [.. frame];
        BinaryPrimitives.WriteUInt32BigEndian(changed.AsSpan(frameAt), value);
        Frames.Repair(changed, NicFrame.Tcp, 16);
        return (changed, 1);
    }

    private static FlowRule RuleFor(byte[] frame, uint port, uint output)
    {
        FlowItem[] pattern =
        [
            new FlowItemEth { Dst = Mac(frame, 0), Src = Mac(frame, 6) },
            new FlowItemIpv4 { Src = BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(26)), Dst = BinaryPrimitives.ReadUInt32BigEndian(frame.AsSpan(30)) },
            new FlowItemTcp { Src = BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(34)), Dst = BinaryPrimitives.ReadUInt16BigEndian(frame.AsSpan(36)) },
        ];
        return new FlowRule(new FlowAttr(port, FlowTable.ExactMatch), pattern, [new FlowActionPort(output)]);
    }

    private static Masked<ulong> Mac(byte[] frame, int at) => new(BinaryPrimitives.ReadUInt64BigEndian(frame.AsSpan(at)) >> 16, (1ul << 48) - 1);
}
