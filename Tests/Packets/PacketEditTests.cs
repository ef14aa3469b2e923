using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

public sealed class PacketEditTests : IDisposable
{
    private readonly PacketPool _pool = new(4, 2048);

    public void Dispose() => _pool.Dispose();

    [Fact]
    public void UDP_checksum_zero_stays_zero()
    {
        byte[] frame = SampleFrames.UdpIpv4;
        frame[40] = frame[41] = 0;
        PacketRef packet = _pool.RentRef(frame, 1);
        packet.Apply(SetPorts(IpProto.Udp, 1, 2));
        packet.Apply(SetSource(0x0b0b0b0b));
        Assert.Equal([0, 0], packet.Frame[40..42].ToArray());
    }

    [Fact]
    public void UDP_checksum_that_becomes_zero_is_sent_as_all_ones()
    {
        // Checksum 0x1234 and source port 0x03e8: the port 0x161c makes the checksum 0.
        PacketRef packet = _pool.RentRef(SampleFrames.UdpIpv4, 1);
        packet.Apply(SetPorts(IpProto.Udp, 0x03e8 + 0x1234, 0x35));
        Assert.Equal("FFFF", Convert.ToHexString(packet.Frame[40..42]));
    }

    [Fact]
    public void Later_fragment_changes_where_a_checksum_would_be()
    {
        byte[] frame = SampleFrames.UdpIpv4;
        frame[21] = 1;
        PacketRef packet = _pool.RentRef(frame, 1);
        packet.Apply(SetSource(0x0b0b0b0b));
        packet.Apply(SetPorts(IpProto.Udp, 1, 2));

        // As Open vSwitch: the address changes payload bytes 6 and 7; ports are left alone.
        Assert.Equal(frame[34..40], packet.Frame[34..40].ToArray());
        Assert.NotEqual(frame[40..42], packet.Frame[40..42].ToArray());
        Assert.Equal(frame[42..], packet.Frame[42..].ToArray());
        Assert.Equal("0B0B0B0B", Convert.ToHexString(packet.Frame[26..30]));
    }

    /// <summary>
    /// An atomic fragment is a whole packet (RFC 6946) with a checksum to keep right, a first fragment has one as well, a later fragment has none.
    /// The old checksums are whatever makes the whole sum come out; the new ones are summed anew.
    /// </summary>
    [Theory]
    [InlineData(0x0000, false, true)]
    [InlineData(0x0000, true, false)]
    [InlineData(0x0006, false, true)]
    [InlineData(0x0001, false, true)]
    [InlineData(0x0001, true, true)]
    [InlineData(0x0008, false, false)]
    [InlineData(0x0009, true, false)]
    public void The_checksum_of_an_atomic_fragment_follows_its_addresses(int offsetField, bool leavesAtomic, bool follows)
    {
        const int source = 14 + 8, fragment = 14 + 40, udp = fragment + 8;
        byte[] frame = SampleFrames.UdpIpv6AtomicFragment;
        (frame[fragment + 2], frame[fragment + 3]) = ((byte)(offsetField >> 8), (byte)offsetField);
        PacketRef packet = _pool.RentRef(frame, 1);
        var action = new DpAction { Op = DpOp.SetIpv6Addr };
        action.Ipv6.Src = action.Ipv6.SrcMask = Ipv6Address.FromUInt128(UInt128.MaxValue << 5);
        packet.Apply(action, leavesAtomic);
        byte[] now = packet.Frame.ToArray();
        Assert.NotEqual(frame[source..fragment], now[source..fragment]);
        if (follows) Assert.Equal(Sum(frame) % 0xffff, Sum(now) % 0xffff);
        else Assert.Equal(frame[udp..], now[udp..]);

        static int Sum(byte[] f)
        {
            int sum = 0;
            for (int i = source; i < f.Length; i += 2) sum += i is >= fragment and < udp ? 0 : (f[i] << 8) | f[i + 1];
            return sum;
        }
    }

    /// <summary>Where one tag is parsed a second one hides the IP header from lookups, not from the actions of the same list.</summary>
    [Fact]
    public void Actions_behind_a_pushed_tag_find_the_headers_where_they_are()
    {
        PacketRef packet = _pool.RentRef(SampleFrames.UdpIpv4Tagged, 1);
        packet.LimitTags(1);
        packet.Extract();
        Assert.Equal(EthType.Ip, packet.Key.DlType.Host);
        packet.Apply(new DpAction { Op = DpOp.PushVlan, EthType = EthType.Vlan, VlanTci = 0x1007 });
        packet.Apply(SetSource(0x0b0b0b0b));
        Assert.Equal("0B0B0B0B", Convert.ToHexString(packet.Frame[34..38]));

        packet.EnsureCurrent();
        Assert.Equal(EthType.Vlan, packet.Key.DlType.Host);
        Assert.Equal(0x1007, packet.Key.Vlan0Tci.Host);
        Assert.Equal(0u, packet.Key.NwSrc.Host);

        packet.Apply(new DpAction { Op = DpOp.PopVlan });
        packet.EnsureCurrent();
        Assert.Equal(EthType.Ip, packet.Key.DlType.Host);
        Assert.Equal(0x0b0b0b0bu, packet.Key.NwSrc.Host);
    }

    /// <summary>A tag is there if the frame has it, though the parser has not found it.</summary>
    [Fact]
    public void Pop_takes_tags_that_the_parser_cannot_see()
    {
        PacketRef packet = _pool.RentRef(SampleFrames.UdpIpv4, 1);
        packet.LimitTags(1);
        packet.Extract();
        for (int i = 1; i <= 3; i++) packet.Apply(new DpAction { Op = DpOp.PushVlan, EthType = EthType.Vlan, VlanTci = (ushort)(0x1000 | i) });
        for (int i = 1; i <= 3; i++) packet.Apply(new DpAction { Op = DpOp.PopVlan });
        Assert.Equal(SampleFrames.UdpIpv4, packet.Frame.ToArray());
        packet.EnsureCurrent();
        Assert.Equal(EthType.Ip, packet.Key.DlType.Host);
        Assert.Equal(0, packet.Key.Vlan0Tci.Host);
    }

    [Fact]
    public void An_ARP_operation_is_sixteen_bits_wide()
    {
        byte[] frame = Convert.FromHexString("ffffffffffff020000000001080600010800060475010200000000010a0100090000000000000a010001");
        PacketRef packet = _pool.RentRef(frame, 1);
        var action = new DpAction { Op = DpOp.SetArp };
        (action.Arp.Op, action.Arp.OpMask) = (Be16.FromHost(2), Be16.FromHost(0xffff));
        packet.Apply(action);
        Assert.Equal("0002", Convert.ToHexString(packet.Frame[20..22]));
    }

    [Fact]
    public void Rewriting_a_tag_clears_its_DEI_bit()
    {
        PacketRef packet = _pool.RentRef(SampleFrames.UdpIpv4Tagged, 1);
        var action = new DpAction { Op = DpOp.SetVlan };
        action.Vlan.Tci = Be16.FromHost(0x1009);
        action.Vlan.TciMask = Be16.FromHost(0x0fff);
        packet.Apply(action);
        Assert.Equal("6009", Convert.ToHexString(packet.Frame[14..16]));
        packet.EnsureParsed();
        Assert.Equal(0x7009, packet.Key.Vlan0Tci.Host);
    }

    [Fact]
    public void Push_and_pop_give_the_frame_back()
    {
        byte[] frame = SampleFrames.UdpIpv4;
        PacketRef packet = _pool.RentRef(frame, 1);
        packet.Extract();
        FlowKey before = packet.WholeKey();
        packet.Apply(new DpAction { Op = DpOp.PushVlan, EthType = EthType.Vlan, VlanTci = 0x1005 });
        Assert.Equal("81000005", Convert.ToHexString(packet.Frame[12..16]));
        packet.Apply(new DpAction { Op = DpOp.PushMpls, EthType = EthType.Mpls, MplsLse = 0x00011140 });
        Assert.Equal("81000005884700011140", Convert.ToHexString(packet.Frame[12..22]));
        packet.Apply(new DpAction { Op = DpOp.PopMpls, EthType = EthType.Ip });
        packet.Apply(new DpAction { Op = DpOp.PopVlan });
        Assert.Equal(frame, packet.Frame.ToArray());
        packet.EnsureParsed();
        FlowKey after = packet.WholeKey();
        Assert.True(FlowKey.Same(ref before, ref after));
        Assert.Equal(PacketPool.HeadroomSizeBytes, packet.Descriptor.HeadroomBytes);
    }

    [Fact]
    public void Push_without_headroom_is_refused_and_changes_nothing()
    {
        PacketRef packet = _pool.RentRef(SampleFrames.UdpIpv4, 1);
        var push = new DpAction { Op = DpOp.PushVlan, EthType = EthType.Vlan, VlanTci = 0x1005 };
        for (int i = 0; i < PacketPool.HeadroomSizeBytes / 4; i++) Assert.True(packet.Apply(push));
        byte[] full = packet.Frame.ToArray();
        Assert.False(packet.Apply(push));
        Assert.False(packet.Apply(new DpAction { Op = DpOp.PushMpls, EthType = EthType.Mpls }));
        Assert.Equal(full, packet.Frame.ToArray());
    }

    [Fact]
    public void SCTP_checksum_follows_the_ports()
    {
        byte[] frame = SampleFrames.SctpIpv4;
        BitConverter.TryWriteBytes(frame.AsSpan(42), PacketEditReference.Crc32c(frame, 34, 20));
        PacketRef packet = _pool.RentRef(frame, 1);
        packet.Apply(SetPorts(IpProto.Sctp, 7, 8));
        byte[] now = packet.Frame.ToArray();
        Assert.Equal(PacketEditReference.Crc32c(now, 34, 20), BitConverter.ToUInt32(now, 42));
        Assert.Equal("00070008", Convert.ToHexString(now[34..38]));
    }

    [Fact]
    public void Truncation_keeps_an_ethernet_header()
    {
        PacketRef packet = _pool.RentRef(SampleFrames.UdpIpv4, 1);
        packet.Truncate(20);
        Assert.Equal(20, packet.OutputLengthBytes);
        packet.Truncate(1);
        Assert.Equal(14, packet.OutputLengthBytes);
        packet.Truncate(1000);
        Assert.Equal(packet.Frame.Length, packet.OutputLengthBytes);
    }

    [Fact]
    public void What_is_cut_off_stays_as_long_when_a_tag_is_pushed_or_popped()
    {
        PacketRef packet = _pool.RentRef(SampleFrames.UdpIpv4Tagged, 1);
        int cut = packet.Frame.Length - 30;
        packet.Truncate(30);
        packet.Apply(new DpAction { Op = DpOp.PopVlan });
        Assert.Equal((26, packet.Frame.Length - cut), (packet.OutputLengthBytes, packet.OutputLengthBytes));
        packet.Apply(new DpAction { Op = DpOp.PushVlan, EthType = EthType.Vlan, VlanTci = 5 });
        Assert.Equal(30, packet.OutputLengthBytes);
    }

    [Fact]
    public void A_queue_is_metadata_that_stays_when_headers_are_read_anew()
    {
        PacketRef packet = _pool.RentRef(SampleFrames.UdpIpv4, 1);
        packet.Extract();
        packet.Apply(new DpAction { Op = DpOp.SetPriority, Port = 0x1234 });
        packet.Extract();
        Assert.Equal(0x1234, packet.WholeKey().SkbPriority.Host);
        Assert.Equal(0u, packet.WholeKey().MplsLse2.Raw);
        packet.Apply(new DpAction { Op = DpOp.SetPriority, Port = 0 });
        Assert.Equal(FlowKey.HotLanes, packet.KeyLanes);
    }

    [Fact]
    public void Pkt_mark_is_masked_metadata()
    {
        PacketRef packet = _pool.RentRef(SampleFrames.UdpIpv4, 1);
        packet.Extract();
        var action = new DpAction { Op = DpOp.SetPktMark };
        action.PktMark = new DpSetPktMark { Mark = 0xabcd, MarkMask = 0xff };
        packet.Apply(action);
        Assert.Equal(0xcdu, packet.WholeKey().PktMark.Host);
        packet.Extract();
        Assert.Equal(0xcdu, packet.WholeKey().PktMark.Host);
        action.PktMark.Mark = 0;
        packet.Apply(action);
        Assert.Equal(FlowKey.HotLanes, packet.KeyLanes);
    }

    [Fact]
    public void Other_actions_are_no_edits()
    {
        PacketRef packet = _pool.RentRef(SampleFrames.UdpIpv4, 1);
        Assert.Throws<InvalidOperationException>(() => packet.Apply(new DpAction { Op = DpOp.Output }));
    }

    [Fact]
    public void Edits_do_not_allocate()
    {
        PacketRef packet = _pool.RentRef(SampleFrames.UdpIpv4, 1);
        DpAction ports = SetPorts(IpProto.Udp, 1, 2);
        DpAction source = SetSource(0x0b0b0b0b);
        packet.Apply(ports);
        packet.Apply(source);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            packet.Apply(ports);
            packet.Apply(source);
            packet.Apply(new DpAction { Op = DpOp.PushVlan, EthType = EthType.Vlan, VlanTci = 0x1005 });
            packet.Apply(new DpAction { Op = DpOp.PopVlan });
            packet.Extract();
            packet.VerifyChecksums();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static DpAction SetPorts(byte proto, ushort source, ushort destination)
    {
        var action = new DpAction { Op = DpOp.SetL4 };
        action.L4.Proto = proto;
        action.L4.Src = Be16.FromHost(source);
        action.L4.Dst = Be16.FromHost(destination);
        action.L4.SrcMask = action.L4.DstMask = Be16.FromHost(0xffff);
        return action;
    }

    private static DpAction SetSource(uint address)
    {
        var action = new DpAction { Op = DpOp.SetIpv4 };
        action.Ipv4.Src = Be32.FromHost(address);
        action.Ipv4.SrcMask = Be32.FromHost(uint.MaxValue);
        return action;
    }
}
