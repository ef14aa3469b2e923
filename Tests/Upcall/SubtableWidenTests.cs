using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Each field that <see cref="SubtableGuard"/> widens, and that no other is touched.</summary>
public sealed class SubtableWidenTests
{
    public static TheoryData<string> Fields => new(
        nameof(FlowKey.NwSrc), nameof(FlowKey.NwDst), nameof(FlowKey.TpSrc), nameof(FlowKey.TpDst), nameof(FlowKey.Ipv6Src), nameof(FlowKey.Ipv6Dst), nameof(FlowKey.NdTarget),
        nameof(FlowKey.DlSrc), nameof(FlowKey.DlDst), nameof(FlowKey.TunSrc), nameof(FlowKey.TunDst), nameof(FlowKey.TunIpv6Src), nameof(FlowKey.TunIpv6Dst));

    [Theory]
    [MemberData(nameof(Fields))]
    public void A_field_that_is_matched_in_part_becomes_whole(string field)
    {
        nint offset = System.Runtime.InteropServices.Marshal.OffsetOf<FlowKey>(field);
        int size = System.Runtime.InteropServices.Marshal.SizeOf(typeof(FlowKey).GetField(field)!.FieldType);
        foreach (int part in (int[])[0, size - 1])
        {
            FlowKey mask = default, whole = default;
            mask.Bytes[(int)offset + part] = 0x80;
            whole.Bytes.Slice((int)offset, size).Fill(0xff);
            Assert.True(SubtableGuard.Widen(ref mask));
            Assert.True(FlowKey.Same(ref mask, ref whole));
            Assert.False(SubtableGuard.Widen(ref mask));
        }
    }
}
