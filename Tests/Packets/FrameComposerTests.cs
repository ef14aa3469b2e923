using Mergeflow.Engine.Keys;
using Mergeflow.Engine.Packets;
using Mergeflow.Engine.Text;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>Frames that are made of a key are parsed as that key, and their checksums are good.</summary>
public sealed class FrameComposerTests
{
    private const string Ethernet = "in_port(7),eth(src=50:54:00:00:00:09,dst=50:54:00:00:00:0a),";

    [Theory]
    [InlineData("eth_type(0x1234)")]
    [InlineData("eth_type(0x0806),arp(sip=10.0.0.1,tip=10.0.0.2,op=1,sha=50:54:00:00:00:09,tha=00:00:00:00:00:00)")]
    [InlineData("eth_type(0x0800),ipv4(src=10.0.0.2,dst=10.0.0.1,proto=1,tos=4,ttl=64,frag=no),icmp(type=8,code=0)")]
    [InlineData("eth_type(0x0800),ipv4(src=10.0.0.2,dst=10.0.0.1,proto=6,tos=0,ttl=1,frag=no),tcp(src=8,dst=9),tcp_flags(ack)")]
    [InlineData("eth_type(0x0800),ipv4(src=10.0.0.2,dst=10.0.0.1,proto=6,tos=0,ttl=1,frag=no),tcp(src=8,dst=9),tcp_flags(syn)")]
    [InlineData("eth_type(0x0800),ipv4(src=10.0.0.2,dst=10.0.0.1,proto=17,tos=0,ttl=64,frag=first),udp(src=8,dst=65535)")]
    [InlineData("eth_type(0x0800),ipv4(src=10.0.0.2,dst=10.0.0.1,proto=17,tos=0,ttl=64,frag=later)")]
    [InlineData("eth_type(0x0800),ipv4(src=10.0.0.2,dst=10.0.0.1,proto=132,tos=0,ttl=64,frag=no),sctp(src=8,dst=9)")]
    [InlineData("eth_type(0x8100),vlan(vid=9,pcp=3),encap(eth_type(0x0800),ipv4(src=10.0.0.2,dst=10.0.0.1,proto=17,tos=0,ttl=64,frag=no),udp(src=8,dst=9))")]
    [InlineData("eth_type(0x88a8),vlan(vid=9,pcp=0),encap(eth_type(0x8100),vlan(vid=10,pcp=0),encap(eth_type(0x1234)))")]
    [InlineData("eth_type(0x86dd),ipv6(src=fd00::1,dst=fd00::2,label=5,proto=6,tclass=0x8,hlimit=3,frag=no),tcp(src=8,dst=9),tcp_flags(ack)")]
    [InlineData("eth_type(0x86dd),ipv6(src=fd00::1,dst=fd00::2,label=0,proto=58,tclass=0,hlimit=255,frag=no),icmpv6(type=135,code=0),nd(target=fd00::3,sll=50:54:00:00:00:09,tll=00:00:00:00:00:00)")]
    [InlineData("eth_type(0x8847),mpls(label=20,tc=1,ttl=32,bos=0,label=30,tc=0,ttl=31,bos=1)")]
    public void A_frame_is_parsed_as_the_key_that_it_is_made_of(string rest)
    {
        FlowKey key = DpFlowParser.ParseKey(Ethernet + rest, PortNames.None).Value;
        byte[] frame = FrameComposer.Compose(key);
        using PacketPool pool = new(1, 16 * 1024);
        PacketRef packet = pool.RentRef(frame, 7);
        packet.Extract<MiniflowExtractor.ScalarKernel>();
        FlowKey parsed = packet.WholeKey();
        FlowKey all = default;
        all.Bytes.Fill(0xff);
        Assert.Equal(DpFlowFormatter.FormatKey(key, all, verbose: true), DpFlowFormatter.FormatKey(parsed, all, verbose: true));
        Assert.True(FlowKey.Same(ref key, ref parsed) || key.Vlan0Tpid.Raw == 0, "the keys differ where the text does not show it");
        packet.VerifyChecksums();
        PacketFlags flags = packet.Flags;
        Assert.False(flags.HasFlag(PacketFlags.IpCsumBad) || flags.HasFlag(PacketFlags.L4CsumBad), "a checksum is bad");
    }

    [Theory]
    [InlineData("eth_type(0x0800),ipv4(src=10.0.0.2,dst=10.0.0.1,proto=17,tos=0,ttl=64,frag=no),udp(src=8,dst=9)", 128)]
    [InlineData("eth_type(0x0800),ipv4(src=10.0.0.2,dst=10.0.0.1,proto=6,tos=0,ttl=64,frag=no),tcp(src=8,dst=9),tcp_flags(syn)", 1400)]
    [InlineData("eth_type(0x86dd),ipv6(src=fd00::1,dst=fd00::2,label=0,proto=17,tclass=0,hlimit=64,frag=no),udp(src=8,dst=9)", 333)]
    public void A_frame_of_a_certain_length_has_it_and_good_checksums(string rest, int length)
    {
        FlowKey key = DpFlowParser.ParseKey(Ethernet + rest, PortNames.None).Value;
        byte[] frame = FrameComposer.ComposeOf(key, length)!;
        Assert.Equal(length, frame.Length);
        using PacketPool pool = new(1, 16 * 1024);
        PacketRef packet = pool.RentRef(frame, 7);
        packet.Extract<MiniflowExtractor.ScalarKernel>();
        Assert.Equal(0, packet.Descriptor.L2PadBytes);
        packet.VerifyChecksums();
        PacketFlags flags = packet.Flags;
        Assert.True(flags.HasFlag(PacketFlags.L4CsumGood), "the checksum is not good");
        Assert.Null(FrameComposer.ComposeOf(key, 20));
    }
}
