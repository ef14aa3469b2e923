using FsCheck.Xunit;
using Mergeflow.Engine.Actions;
using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>A checksum that is left to the device is worth what a finished one is, and a super-frame what its frames are, against models that share nothing with the switch.</summary>
public sealed class PartialChecksumProperties(ITestOutputHelper output) : IDisposable
{
    private readonly RunStatistics _statistics = new();
    private readonly PacketPool _pool = new(4, 1 << 14);

    public void Dispose()
    {
        output.WriteLine(_statistics.Report("packets"));
        _pool.Dispose();
    }

    [SeededProperty(MaxTest = 2000, Arbitrary = [typeof(CaseArbitraries)])]
    public void Rewriting_and_finishing_is_finishing_and_rewriting(CaseSeed seed)
    {
        var chance = new Chance(seed.Value);
        FrameSpec spec = SpecOf(chance, chance.Below(300));
        if (chance.OneIn(4)) spec = WithZeroSum(spec);
        byte[] finished = FrameWriter.Write(spec), partial = [.. finished];
        (int l3, int l4, int offset) = PlacesOf(spec);
        Wire.Put16(partial, l4 + offset, PseudoOf(finished, spec, l3, l4));
        PacketRef left = _pool.RentRef(partial, 1), made = _pool.RentRef(finished, 1);
        try
        {
            Assert.True(left.TryEnterPartial(l4, offset));
            int edits = chance.Below(7);
            for (int i = 0; i < edits; i++)
            {
                DpAction edit = EditOf(chance, spec);
                Assert.Equal(made.Apply(edit), left.Apply(edit));
                _statistics.Add(edit.Op.ToString());
            }

            // Tags may have come and gone: the transport header is where it is, counted from the end.
            int moved = made.Frame.Length - finished.Length;
            FrameSpec now = spec with { Tags = [] };
            int sum = PseudoOf(made.Frame, now, l3 + moved, l4 + moved);
            Assert.Equal(sum % 0xffff, left.WireChecksum % 0xffff);
            left.CompleteChecksum();
            byte[] expected = made.Frame.ToArray(), actual = left.Frame.ToArray();
            int field = l4 + moved + offset;
            if (Wire.U16(expected, field) == 0) Wire.Put16(expected, field, 0xffff);
            Assert.Equal(Convert.ToHexString(expected), Convert.ToHexString(actual));
            Assert.Equal(0, OnesComplement.Finish(OnesComplement.Sum(actual.AsSpan(l4 + moved), (ulong)sum)));
            _statistics.Add("packets");
        }
        finally
        {
            _pool.Return(left);
            _pool.Return(made);
        }
    }

    [SeededProperty(MaxTest = 1000, Arbitrary = [typeof(CaseArbitraries)])]
    public void A_super_frame_is_cut_into_the_frames_that_its_sender_would_have_made(CaseSeed seed)
    {
        var chance = new Chance(seed.Value);
        FrameSpec spec = SpecOf(chance, chance.OneIn(10) ? chance.Below(3) : chance.Below(12_000));
        ushort size = (ushort)(1 + chance.Below(chance.OneIn(3) ? 40 : 3000)), id = (ushort)chance.Below(0x10000);
        if (spec.Payload.Length / size > 200) size = 1400;
        byte[] whole = FrameWriter.Write(spec);
        (int l3, int l4, int offset) = PlacesOf(spec);
        if (!spec.IsIpv6) RefSegments.SetId(whole.AsSpan(l3), id);
        Wire.Put16(whole, l4 + offset, PseudoOf(whole, spec, l3, l4));
        PacketRef packet = _pool.RentRef(whole, 1);
        try
        {
            Assert.True(packet.TryEnterPartial(l4, offset));
            byte type = spec.Proto == 17 ? VirtioNetHeader.GsoUdp : spec.IsIpv6 ? VirtioNetHeader.GsoTcp6 : VirtioNetHeader.GsoTcp4;
            string[] expected = [.. RefSegments.Of(spec, id, size).Select(f => Hex(f, l4 + offset))];
            string[] actual = [.. packet.Cut(type, size).Select(f => Hex(f, l4 + offset))];
            Assert.Equal(expected, actual);
            _statistics.Add("packets");
            _statistics.Add(actual.Length == 1 ? "one frame" : "several frames");
        }
        finally
        {
            _pool.Return(packet);
        }
    }

    [SeededProperty(MaxTest = 500, Arbitrary = [typeof(CaseArbitraries)])]
    public void A_super_frame_in_a_tunnel_is_cut_with_its_outer_headers(CaseSeed seed)
    {
        var chance = new Chance(seed.Value);
        FrameSpec inner = SpecOf(chance, chance.Below(6000)), outer = SpecOf(chance, 0) with { Proto = 17, NoChecksum = chance.OneIn(2) };
        bool isGeneve = chance.OneIn(2);
        byte[] options = isGeneve ? chance.Bytes(4 * chance.Below(4)) : [];
        byte[] head = [(byte)(isGeneve ? options.Length / 4 : 8), .. isGeneve ? new byte[] { 0, 0x65, 0x58 } : new byte[3], .. chance.Bytes(3), 0, .. options];
        outer = outer with { DstPort = isGeneve ? (ushort)6081 : (ushort)4789 };
        if (outer.IsIpv6) outer = outer with { NoChecksum = false };
        ushort size = (ushort)(100 + chance.Below(1400)), id = (ushort)chance.Below(0x10000), outerId = (ushort)chance.Below(0x10000);

        byte[] innerWhole = FrameWriter.Write(inner);
        (int innerL3, int innerL4, int offset) = PlacesOf(inner);
        if (!inner.IsIpv6) RefSegments.SetId(innerWhole.AsSpan(innerL3), id);
        Wire.Put16(innerWhole, innerL4 + offset, PseudoOf(innerWhole, inner, innerL3, innerL4));
        byte[] whole = Wrap(outer, head, innerWhole, outerId);
        int shift = whole.Length - innerWhole.Length;
        PacketRef packet = _pool.RentRef(whole, 1);
        try
        {
            Assert.True(packet.TryEnterPartial(shift + innerL4, offset));
            byte type = inner.Proto == 17 ? VirtioNetHeader.GsoUdp : inner.IsIpv6 ? VirtioNetHeader.GsoTcp6 : VirtioNetHeader.GsoTcp4;
            string[] expected = [.. RefSegments.Of(inner, id, size).Select((f, i) => Hex(Wrap(outer, head, f, (ushort)(outerId + i)), shift + innerL4 + offset))];
            string[] actual = [.. packet.Cut(type, size).Select(f => Hex(f, shift + innerL4 + offset))];
            Assert.Equal(expected, actual);
            _statistics.Add("packets");
        }
        finally
        {
            _pool.Return(packet);
        }
    }

    [SeededProperty(MaxTest = 2000, Arbitrary = [typeof(CaseArbitraries)])]
    public void Whatever_a_header_says_nothing_outside_the_frame_is_written(CaseSeed seed)
    {
        var chance = new Chance(seed.Value);
        byte[] frame = chance.Bytes(14 + chance.Below(100));
        PacketRef packet = _pool.RentRef(frame, 1);
        try
        {
            int start = chance.Below(0x10000) >> chance.Below(16), offset = chance.Below(0x10000) >> chance.Below(16);
            bool fits = start + offset + 2 <= frame.Length;
            Assert.Equal(fits, packet.TryEnterPartial(start, offset));
            byte[] after = packet.Frame.ToArray();
            for (int i = 0; i < frame.Length; i++)
            {
                if (!fits || i < start + offset || i > start + offset + 1) Assert.Equal(frame[i], after[i]);
            }
        }
        finally
        {
            _pool.Return(packet);
        }
    }

    private static byte[] Wrap(FrameSpec outer, byte[] head, byte[] inner, ushort id)
    {
        byte[] frame = FrameWriter.Write(outer with { Payload = [.. head, .. inner] });
        if (!outer.IsIpv6) RefSegments.SetId(frame.AsSpan(14 + (4 * outer.Tags.Count)), id);
        return frame;
    }

    private static FrameSpec SpecOf(Chance chance, int payloadBytes)
    {
        bool isIpv6 = chance.OneIn(2);
        return new FrameSpec
        {
            IsIpv6 = isIpv6,
            Tags = [.. Enumerable.Range(0, chance.Below(3)).Select(_ => (chance.OneIn(2) ? (ushort)0x8100 : (ushort)0x88a8, (ushort)(chance.Below(0x10000) & ~0x1000)))],
            Src = AddressOf(chance, isIpv6),
            Dst = AddressOf(chance, isIpv6),
            Tos = (byte)chance.Below(256),
            Ttl = (byte)(1 + chance.Below(255)),
            Proto = chance.OneIn(2) ? (byte)6 : (byte)17,
            SrcPort = (ushort)chance.Below(0x10000),
            DstPort = (ushort)chance.Below(0x10000),
            Seq = chance.U32(),
            Ack = chance.U32(),
            TcpFlags = chance.Below(256),
            Window = (ushort)chance.Below(0x10000),
            Payload = chance.Bytes(payloadBytes),
        };
    }

    /// <summary>Pseudo-header and ports sum up to zero, which in UDP would say that there is no checksum.</summary>
    private static FrameSpec WithZeroSum(FrameSpec spec)
    {
        (int l3, int l4, _) = PlacesOf(spec);
        ulong sum = PseudoOf(FrameWriter.Write(spec), spec, l3, l4) + (ulong)spec.DstPort;
        return spec with { SrcPort = OnesComplement.Finish(sum) };
    }

    private static UInt128 AddressOf(Chance chance, bool isIpv6)
        => isIpv6 ? new UInt128(((ulong)chance.U32() << 32) | chance.U32(), ((ulong)chance.U32() << 32) | chance.U32()) : chance.U32();

    private static DpAction EditOf(Chance chance, FrameSpec spec)
    {
        ushort Port() => (ushort)(chance.OneIn(4) ? 0 : chance.Below(0x10000));
        DpAction edit = default;
        switch (chance.Below(6))
        {
            case 0:
                edit.Op = DpOp.SetEth;
                edit.Eth = new DpSetEth { Dst = EthAddress.FromUInt64(chance.U32()), DstMask = EthAddress.FromUInt64(0xffff_ffff_ffff) };
                break;
            case 1 when spec.IsIpv6:
                edit.Op = DpOp.SetIpv6Addr;
                edit.Ipv6 = new DpSetIpv6Addr { Src = AddressRaw(chance), SrcMask = AddressRaw(chance), Dst = AddressRaw(chance), DstMask = AddressRaw(chance) };
                break;
            case 1:
                edit.Op = DpOp.SetIpv4;
                edit.Ipv4 = new DpSetIpv4
                {
                    Src = Be32.FromHost(chance.U32()),
                    SrcMask = Be32.FromHost(chance.OneIn(2) ? ~0u : chance.U32()),
                    Dst = Be32.FromHost(chance.U32()),
                    DstMask = Be32.FromHost(chance.OneIn(2) ? 0 : chance.U32()),
                    Ttl = (byte)chance.Below(256),
                    TtlMask = chance.OneIn(2) ? (byte)0xff : (byte)0,
                    Tos = (byte)chance.Below(256),
                    TosMask = (byte)chance.Below(256),
                };
                break;
            case 2:
                edit.Op = DpOp.SetL4;
                edit.L4 = new DpSetL4
                {
                    Proto = spec.Proto,
                    Src = Be16.FromHost(Port()),
                    SrcMask = Be16.FromHost(chance.OneIn(2) ? (ushort)0xffff : Port()),
                    Dst = Be16.FromHost(Port()),
                    DstMask = Be16.FromHost(chance.OneIn(2) ? (ushort)0xffff : Port()),
                };
                break;
            case 3:
                edit.Op = DpOp.PushVlan;
                edit.EthType = 0x8100;
                edit.VlanTci = (ushort)(chance.Below(0x1000) | 0x1000);
                break;
            case 4:
                edit.Op = DpOp.PopVlan;
                break;
            default:
                edit.Op = DpOp.SetVlan;
                edit.Vlan = new DpSetVlan { Tci = Be16.FromHost((ushort)chance.Below(0x10000)), TciMask = Be16.FromHost(0xefff) };
                break;
        }

        return edit;
    }

    private static Ipv6Address AddressRaw(Chance chance) => Ipv6Address.FromUInt128(AddressOf(chance, isIpv6: true));

    private static (int L3, int L4, int Offset) PlacesOf(FrameSpec spec)
    {
        int l3 = 14 + (4 * spec.Tags.Count);
        return (l3, l3 + (spec.IsIpv6 ? 40 : 20), spec.Proto == 6 ? 16 : 6);
    }

    /// <summary>Folded, not complemented.</summary>
    private static ushort PseudoOf(ReadOnlySpan<byte> frame, FrameSpec spec, int l3, int l4)
        => (ushort)~OnesComplement.Finish(OnesComplement.PseudoHeader(frame[l3..], spec.IsIpv6, spec.Proto, frame.Length - l4));

    /// <summary>0 and 0xffff are the same sum; the first is never sent.</summary>
    private static string Hex(byte[] frame, int field)
    {
        if (Wire.U16(frame, field) == 0) Wire.Put16(frame, field, 0xffff);
        return Convert.ToHexString(frame);
    }
}
