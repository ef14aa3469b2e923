using Mergeflow.Native;
using Xunit;

namespace Mergeflow.Tests;

public sealed class MiniflowExtractorTests
{
    [Fact]
    public void Every_vector_parses_as_Open_vSwitch_does_with_scalar_code() => AgreesWithVectors<MiniflowExtractor.ScalarKernel>();

    [Fact]
    public void Every_vector_parses_as_Open_vSwitch_does_with_vector_code() => AgreesWithVectors<MiniflowExtractor.Vector256Kernel>();

    [Fact]
    public void Kernels_agree_on_mutated_frames_at_guard_pages()
    {
        const int rounds = 1_000_000;
        using var block = new GuardedBlock(16 * 1024);
        using var pool = new PacketPool(2, 2048);
        PacketRef scalar = pool.RentRef([], 0);
        PacketRef vector = pool.RentRef([], 0);
        var random = new Random(4711);
        Span<byte> frame = stackalloc byte[12 * 1024];
        int common = 0;
        int ip = 0;
        for (int i = 0; i < rounds; i++)
        {
            int length = MakeFrame(random, frame);
            Span<byte> region = block.AtEnd(length + Packet.ReadableTailroomBytes);
            random.NextBytes(region[length..]);
            Span<byte> placed = region[..length];
            frame[..length].CopyTo(placed);
            scalar.PointAt(placed, 7);
            vector.PointAt(placed, 7);
            SetMetadata(random, scalar, vector);
            scalar.Extract<MiniflowExtractor.ScalarKernel>();
            vector.Extract<MiniflowExtractor.Vector256Kernel>();
            AssertSame(scalar, vector, placed);

            // Bytes behind the frame must not matter.
            if (i % 4 == 0)
            {
                random.NextBytes(region[length..]);
                scalar.Extract<MiniflowExtractor.ScalarKernel>();
                AssertSame(scalar, vector, placed);
                vector.Extract<MiniflowExtractor.Vector256Kernel>();
                AssertSame(scalar, vector, placed);
            }

            if (vector.Descriptor.L4Offset == 34 && vector.Key.TpSrc.Raw != 0) common++;
            if (vector.Descriptor.L4Offset != Packet.NoOffset) ip++;
        }

        Assert.True(common > rounds / 20, $"only {common} frames took the common path");
        Assert.True(ip > rounds / 4, $"only {ip} frames had a sound network header");
    }

    [Fact]
    public void Metadata_survives_parsing_and_header_fields_do_not()
    {
        using var pool = new PacketPool(1, 2048);
        PacketRef packet = pool.RentRef(ExtractVectors.All[1].Frame, 3);
        FlowKey key = default;
        key.InPort = Be32.FromHost(3);
        key.RecircId = Be32.FromHost(17);
        key.CtState = CtState.Trk | CtState.Est;
        key.CtZone = Be16.FromHost(5);
        key.CtMark = Be32.FromHost(0xdead);
        key.CtLabel = Ipv6Address.FromUInt128(9);
        key.DpHash = Be32.FromHost(11);
        key.PktMark = Be32.FromHost(12);
        key.TunId = Be64.FromHost(99);
        key.Ipv6Label = Be32.FromHost(1);
        key.NwFrag = NwFrag.Any;
        key.Ipv6Src = Ipv6Address.FromUInt128(1);
        key.ArpSha = EthAddress.FromUInt64(1);
        key.MplsLse0 = Be32.FromHost(1);
        packet.SetKey(ref key);
        packet.Extract();
        Assert.Equal(
            "pkt_mark=0xc,recirc_id=0x11,dp_hash=0xb,ct_state=est|trk,ct_zone=0x5,ct_mark=0xdead,ct_label=0x9,tcp,tun_id=0x63,in_port=3,vlan_tci=0x0000,"
            + ExtractVectors.All[1].Flow["tcp,in_port=ANY,vlan_tci=0x0000,".Length..],
            FlowKeyFormatter.Format(packet.WholeKey()));
        Assert.Equal(0b1101011u, packet.KeyLanes);
    }

    private static void AgreesWithVectors<TKernel>()
        where TKernel : struct, IMiniflowKernel
    {
        using var pool = new PacketPool(1, 16 * 1024);
        Assert.Equal(6000, ExtractVectors.All.Length);
        Assert.True(ExtractVectors.Mutated.Length > 3000);
        foreach ((byte[] frame, string flow) in ExtractVectors.All.Concat(ExtractVectors.Mutated))
        {
            PacketRef packet = pool.RentRef(frame, FlowKeyFormatter.AnyPort);
            packet.Extract<TKernel>();
            FlowKey key = packet.WholeKey();
            Assert.Equal(flow, FlowKeyFormatter.Format(key));
            Assert.Equal(FlowKey.LaneMap(ref key) | FlowKey.HotLanes, packet.KeyLanes);
            pool.Return(packet);
        }
    }

    /// <summary>A frame of the vectors, sometimes cut, mostly with bytes of its headers changed.</summary>
    private static int MakeFrame(Random random, Span<byte> frame)
    {
        byte[] seed = ExtractVectors.All[random.Next(ExtractVectors.All.Length)].Frame;
        seed.CopyTo(frame);
        int length = seed.Length;
        if (random.Next(4) == 0) length = random.Next(Math.Min(length, 100) + 1);
        if (random.Next(8) == 0) length += random.Next(16);
        int headers = Math.Min(length, 90);
        for (int mutations = random.Next(4); mutations > 0 && headers > 0; mutations--)
        {
            int at = random.Next(2) == 0 ? random.Next(headers) : Math.Min(12 + random.Next(36), headers - 1);
            frame[at] = random.Next(3) switch
            {
                0 => (byte)random.Next(256),
                1 => (byte)(frame[at] ^ (1 << random.Next(8))),
                _ => s_interesting[random.Next(s_interesting.Length)],
            };
        }

        return length;
    }

    private static readonly byte[] s_interesting = [0, 1, 2, 6, 8, 17, 43, 44, 51, 58, 60, 0x45, 0x46, 0x50, 0x60, 0x81, 0x88, 0xa8, 0x86, 0xdd, 0xaa, 0xff, 132, 135, 136];

    private static void SetMetadata(Random random, PacketRef a, PacketRef b)
    {
        if (random.Next(8) != 0) return;
        FlowKey key = default;
        random.NextBytes(key.Bytes);
        if (random.Next(2) == 0) key.DpHash = key.PktMark = default;
        a.SetKey(ref key);
        b.SetKey(ref key);
    }

    private static void AssertSame(PacketRef a, PacketRef b, ReadOnlySpan<byte> frame)
    {
        FlowKey ka = a.WholeKey();
        FlowKey kb = b.WholeKey();
        bool same = FlowKey.Same(ref ka, ref kb)
            && a.KeyLanes == b.KeyLanes
            && a.Flags == b.Flags
            && a.Descriptor.L25Offset == b.Descriptor.L25Offset
            && a.Descriptor.L3Offset == b.Descriptor.L3Offset
            && a.Descriptor.L4Offset == b.Descriptor.L4Offset
            && a.Descriptor.L2PadBytes == b.Descriptor.L2PadBytes;
        if (!same) Assert.Fail($"{Convert.ToHexString(frame)}: {FlowKeyFormatter.Format(ka)} / {FlowKeyFormatter.Format(kb)}");
    }
}
