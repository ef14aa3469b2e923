using System.Reflection;
using System.Runtime.InteropServices;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>The lanes and offsets that are written down are those of the flow key.</summary>
public sealed class KeyLayoutTests
{
    /// <summary>Constants that are no offset of one field.</summary>
    private static readonly string[] s_others = [nameof(KeyLayout.StrideBytes), nameof(KeyLayout.Registers), .. Windows];

    private static string[] Windows => [nameof(KeyLayout.Window2), nameof(KeyLayout.Window4), nameof(KeyLayout.Window6)];

    private static IEnumerable<FieldInfo> Constants => typeof(KeyLayout).GetFields(BindingFlags.Public | BindingFlags.Static).Where(f => f.IsLiteral);

    /// <summary>Each offset by name.</summary>
    public static TheoryData<string> Offsets => [.. Constants.Select(f => f.Name).Where(n => !s_others.Contains(n))];

    [Theory]
    [MemberData(nameof(Offsets))]
    public void An_offset_is_that_of_the_field_of_its_name(string name)
        => Assert.Equal(OffsetOf(name), (int)Constants.Single(f => f.Name == name).GetRawConstantValue()!);

    [Fact]
    public void A_working_copy_has_room_for_a_window_at_its_last_byte()
    {
        Assert.True(KeyLayout.StrideBytes >= PipelineFlow.SizeBytes + sizeof(ulong));
        Assert.Equal(0, KeyLayout.StrideBytes % 32);
        Assert.Equal([2, 4, 6], Windows.Select(n => System.Numerics.BitOperations.PopCount((ulong)Constants.Single(f => f.Name == n).GetRawConstantValue()!) / 8));
    }

    /// <summary>Each lane by its first field; the registers have none of their own.</summary>
    [Theory]
    [InlineData(nameof(Lanes.Link), nameof(FlowKey.DlDst))]
    [InlineData(nameof(Lanes.Ipv6), nameof(FlowKey.Ipv6Src))]
    [InlineData(nameof(Lanes.Ct), nameof(FlowKey.CtLabel))]
    [InlineData(nameof(Lanes.Neighbor), nameof(FlowKey.NdTarget))]
    [InlineData(nameof(Lanes.Rare), nameof(FlowKey.DpHash))]
    [InlineData(nameof(Lanes.Tunnel), nameof(FlowKey.TunId))]
    [InlineData(nameof(Lanes.TunnelIpv6), nameof(FlowKey.TunIpv6Dst))]
    [InlineData(nameof(Lanes.CtIpv6), nameof(FlowKey.CtIpv6Src))]
    [InlineData(nameof(Lanes.Metadata), nameof(PipelineFlow.Metadata))]
    public void A_lane_begins_with_its_first_field(string lane, string member) => Assert.Equal(Lanes.SizeBytes * LaneOf(lane), OffsetOf(member));

    [Fact]
    public void Lanes_are_numbered_without_a_gap_and_end_with_the_flow()
    {
        string[] names = [.. typeof(Lanes).GetFields(BindingFlags.Public | BindingFlags.Static).Select(static f => f.Name).Where(static n => n is not (nameof(Lanes.SizeBytes) or nameof(Lanes.FirstWide)))];
        Assert.Equal(Enumerable.Range(0, PipelineFlow.LaneCount), names.Select(LaneOf).Order());
        Assert.Equal(PipelineFlow.SizeBytes, Lanes.At(PipelineFlow.LaneCount));
        Assert.Equal(FlowKey.SizeBytes, Lanes.At(Lanes.CtIpv6 + 1));
        Assert.Equal(FlowKey.LaneCount, Lanes.Regs);
        Assert.Equal((1u << Lanes.FirstWide) - 1, FlowKey.HotLanes);
        Assert.Equal((Fields.Of(FieldId.Reg0).Offset, Fields.Of(FieldId.Reg8).Offset), (Lanes.At(Lanes.Regs), Lanes.At(Lanes.RegsHigh)));
        Assert.Equal(KeyLayout.Registers, Lanes.At(Lanes.Regs));
        Assert.Equal(Lanes.Network, OffsetOf(nameof(FlowKey.NwSrc)) / Lanes.SizeBytes);
    }

    /// <summary>No field of the key is on another one's bytes, or behind the end.</summary>
    [Fact]
    public void Fields_of_the_key_do_not_overlap()
    {
        int end = 0;
        foreach (FieldInfo field in KeyFields.OrderBy(f => f.GetCustomAttribute<FieldOffsetAttribute>()!.Value))
        {
            int offset = field.GetCustomAttribute<FieldOffsetAttribute>()!.Value;
            Assert.True(offset >= end, $"{field.Name} at {offset}, the one before it ends at {end}");
            end = offset + SizeOf(field.FieldType);
        }

        Assert.True(end <= FlowKey.SizeBytes);
    }

    /// <summary>The field table reads what the key's member of that name holds. Narrower views of a member lie inside it.</summary>
    [Fact]
    public void A_field_lies_in_one_member_of_the_key()
    {
        foreach (Field field in Fields.All.Where(f => f.Offset < FlowKey.SizeBytes))
        {
            bool isInside = KeyFields.Any(m => m.GetCustomAttribute<FieldOffsetAttribute>()!.Value is var at
                && field.Offset >= at && field.Offset + field.SizeBytes <= at + SizeOf(m.FieldType));
            Assert.True(isInside, $"{field.Name}: {field.SizeBytes} bytes at {field.Offset}");
        }
    }

    [Theory]
    [InlineData(FieldId.EthDst, nameof(FlowKey.DlDst))]
    [InlineData(FieldId.EthSrc, nameof(FlowKey.DlSrc))]
    [InlineData(FieldId.EthType, nameof(FlowKey.DlType))]
    [InlineData(FieldId.VlanTci, nameof(FlowKey.Vlan0Tci))]
    [InlineData(FieldId.InPortOxm, nameof(FlowKey.InPort))]
    [InlineData(FieldId.RecircId, nameof(FlowKey.RecircId))]
    [InlineData(FieldId.CtState, nameof(FlowKey.CtState))]
    [InlineData(FieldId.IpFrag, nameof(FlowKey.NwFrag))]
    [InlineData(FieldId.CtZone, nameof(FlowKey.CtZone))]
    [InlineData(FieldId.CtMark, nameof(FlowKey.CtMark))]
    [InlineData(FieldId.NwTos, nameof(FlowKey.NwTos))]
    [InlineData(FieldId.IpTtl, nameof(FlowKey.NwTtl))]
    [InlineData(FieldId.IpProto, nameof(FlowKey.NwProto))]
    [InlineData(FieldId.ArpOp, nameof(FlowKey.NwProto))]
    [InlineData(FieldId.Ipv4Src, nameof(FlowKey.NwSrc))]
    [InlineData(FieldId.Ipv4Dst, nameof(FlowKey.NwDst))]
    [InlineData(FieldId.ArpSpa, nameof(FlowKey.NwSrc))]
    [InlineData(FieldId.ArpTpa, nameof(FlowKey.NwDst))]
    [InlineData(FieldId.TcpSrc, nameof(FlowKey.TpSrc))]
    [InlineData(FieldId.TcpDst, nameof(FlowKey.TpDst))]
    [InlineData(FieldId.UdpSrc, nameof(FlowKey.TpSrc))]
    [InlineData(FieldId.SctpDst, nameof(FlowKey.TpDst))]
    [InlineData(FieldId.TcpFlags, nameof(FlowKey.TcpFlags))]
    [InlineData(FieldId.Ipv6Src, nameof(FlowKey.Ipv6Src))]
    [InlineData(FieldId.Ipv6Dst, nameof(FlowKey.Ipv6Dst))]
    [InlineData(FieldId.Ipv6Label, nameof(FlowKey.Ipv6Label))]
    [InlineData(FieldId.CtLabel, nameof(FlowKey.CtLabel))]
    [InlineData(FieldId.CtNwSrc, nameof(FlowKey.CtNwSrc))]
    [InlineData(FieldId.CtNwDst, nameof(FlowKey.CtNwDst))]
    [InlineData(FieldId.CtTpSrc, nameof(FlowKey.CtTpSrc))]
    [InlineData(FieldId.CtTpDst, nameof(FlowKey.CtTpDst))]
    [InlineData(FieldId.CtNwProto, nameof(FlowKey.CtNwProto))]
    [InlineData(FieldId.CtIpv6Src, nameof(FlowKey.CtIpv6Src))]
    [InlineData(FieldId.CtIpv6Dst, nameof(FlowKey.CtIpv6Dst))]
    [InlineData(FieldId.NdTarget, nameof(FlowKey.NdTarget))]
    [InlineData(FieldId.ArpSha, nameof(FlowKey.ArpSha))]
    [InlineData(FieldId.ArpTha, nameof(FlowKey.ArpTha))]
    [InlineData(FieldId.NdSll, nameof(FlowKey.ArpSha))]
    [InlineData(FieldId.NdTll, nameof(FlowKey.ArpTha))]
    [InlineData(FieldId.DpHash, nameof(FlowKey.DpHash))]
    [InlineData(FieldId.PktMark, nameof(FlowKey.PktMark))]
    [InlineData(FieldId.MplsLabel, nameof(FlowKey.MplsLse0))]
    [InlineData(FieldId.TunId, nameof(FlowKey.TunId))]
    [InlineData(FieldId.TunSrc, nameof(FlowKey.TunSrc))]
    [InlineData(FieldId.TunDst, nameof(FlowKey.TunDst))]
    [InlineData(FieldId.TunIpv6Src, nameof(FlowKey.TunIpv6Src))]
    [InlineData(FieldId.TunIpv6Dst, nameof(FlowKey.TunIpv6Dst))]
    [InlineData(FieldId.TunFlags, nameof(FlowKey.TunFlags))]
    [InlineData(FieldId.TunTos, nameof(FlowKey.TunTos))]
    [InlineData(FieldId.TunTtl, nameof(FlowKey.TunTtl))]
    [InlineData(FieldId.TunGbpId, nameof(FlowKey.TunGbpId))]
    [InlineData(FieldId.TunGbpFlags, nameof(FlowKey.TunGbpFlags))]
    [InlineData(FieldId.ActsetOutput, nameof(PipelineFlow.ActsetOutput))]
    [InlineData(FieldId.ConjId, nameof(PipelineFlow.ConjId))]
    [InlineData(FieldId.Metadata, nameof(PipelineFlow.Metadata))]
    public void A_field_is_the_member_that_it_is_named_for(FieldId id, string member) => Assert.Equal(OffsetOf(member), Fields.Of(id).Offset);

    /// <summary>What takes lanes for groups of fields takes exactly those fields.</summary>
    [Theory]
    [InlineData(nameof(Lanes.Ipv6), new[] { nameof(FlowKey.Ipv6Src), nameof(FlowKey.Ipv6Dst) })]
    [InlineData(nameof(Lanes.CtIpv6), new[] { nameof(FlowKey.CtIpv6Src), nameof(FlowKey.CtIpv6Dst) })]
    [InlineData(nameof(Lanes.Neighbor), new[] { nameof(FlowKey.NdTarget), nameof(FlowKey.ArpSha), nameof(FlowKey.ArpTha) })]
    [InlineData(nameof(Lanes.Ct), new[] { nameof(FlowKey.CtLabel), nameof(FlowKey.CtNwSrc), nameof(FlowKey.CtNwDst), nameof(FlowKey.CtTpSrc), nameof(FlowKey.CtTpDst), nameof(FlowKey.CtNwProto) })]
    public void A_lane_that_is_taken_whole_holds_these_fields_only(string lane, string[] members)
        => Assert.Equal(members, KeyFields.Where(f => OffsetOf(f.Name) / Lanes.SizeBytes == LaneOf(lane)).OrderBy(f => OffsetOf(f.Name)).Select(static f => f.Name));

    /// <summary>What is in front of dl_type is the Ethernet addresses, see the symmetric hash.</summary>
    [Fact]
    public void The_frame_begins_with_its_addresses_and_its_type()
        => Assert.Equal([nameof(FlowKey.DlDst), nameof(FlowKey.DlSrc), nameof(FlowKey.DlType)], KeyFields.OrderBy(f => OffsetOf(f.Name)).Take(3).Select(static f => f.Name));

    private static IEnumerable<FieldInfo> KeyFields => typeof(FlowKey).GetFields(BindingFlags.Public | BindingFlags.Instance);

    private static int OffsetOf(string name)
        => (typeof(FlowKey).GetField(name) ?? typeof(PipelineFlow).GetField(name))?.GetCustomAttribute<FieldOffsetAttribute>()?.Value
            ?? throw new ArgumentException($"neither FlowKey nor PipelineFlow has a field {name}");

    private static int LaneOf(string name) => (int)typeof(Lanes).GetField(name)!.GetRawConstantValue()!;

    private static int SizeOf(Type type) => Marshal.SizeOf(type.IsEnum ? Enum.GetUnderlyingType(type) : type);
}
