using FsCheck.Xunit;
using Mergeflow.Native;
using Mergeflow.Nic;
using Xunit;
using F = Mergeflow.PropertyTests.RefField;

namespace Mergeflow.PropertyTests;

/// <summary>
/// Any bytes parse without a fault or a read behind the readable tailroom, both kernels see the same, and that is what the model sees
/// (properties 7 and 8 of the contract).
/// </summary>
public sealed class ParserProperties(ITestOutputHelper output) : IDisposable
{
    private readonly RunStatistics _statistics = new();

    public void Dispose() => output.WriteLine(_statistics.Report("frames"));

    [SeededProperty(MaxTest = 100, Arbitrary = [typeof(CaseArbitraries)])]
    public void Any_frame_parses_as_in_the_model(CaseSeed seed)
    {
        var chance = new Chance(seed.Value);
        using var block = new GuardedBlock(4096);
        using var pool = new PacketPool(2, 2048);
        PacketRef scalar = pool.RentRef([], 0), vector = pool.RentRef([], 0);
        foreach (byte[] frame in Frames(chance, seed.Value))
        {
            Span<byte> region = block.AtEnd(frame.Length + Packet.ReadableTailroomBytes);
            Span<byte> placed = region[..frame.Length];
            frame.CopyTo(placed);
            region[frame.Length..].Fill((byte)chance.Below(256));
            scalar.PointAt(placed, 3);
            vector.PointAt(placed, 3);
            scalar.Extract<MiniflowExtractor.ScalarKernel>();
            vector.Extract<MiniflowExtractor.Vector256Kernel>();
            FlowKey a = scalar.WholeKey(), b = vector.WholeKey();
            Assert.True(a.Bytes.SequenceEqual(b.Bytes), $"kernels differ on {Convert.ToHexStringLower(frame)}");
            AgreesWithModel(frame, b);
            var nicKey = default(NicKey);
            _ = NicParser.Parse(placed, 3, 2, verifyChecksums: true, ref nicKey, out _);
            scalar.VerifyChecksums();
        }
    }

    private static IEnumerable<byte[]> Frames(Chance chance, int seed)
    {
        foreach (FuzzEvent e in CaseGenerator.Make(seed, 60, conntrack: false).Events.Where(e => e.Op == FuzzOp.Packet))
        {
            yield return e.Frame;
            byte[] cut = e.Frame[..chance.Below(e.Frame.Length + 1)];
            yield return cut;
            byte[] broken = [.. e.Frame];
            for (int i = 0; i < 4; i++) broken[chance.Below(broken.Length)] = (byte)chance.Below(256);
            yield return broken;
        }

        for (int i = 0; i < 40; i++) yield return chance.Bytes(chance.Below(120));
    }

    private void AgreesWithModel(byte[] frame, FlowKey key)
    {
        RefFlow want = ReferenceParser.Parse(frame).Flow;
        PipelineFlow flow = new() { Key = key };
        _statistics.Add("frames");
        if (want.IsIp) _statistics.Add(want.U(F.Proto) == 0 ? "IP without header" : "IP");
        if (want.HasTag) _statistics.Add("VLAN");
        if (want.IsIp && want.U(F.Proto) is 6 or 17) _statistics.Add("TCP or UDP");
        (F Model, FieldId Engine)[] pairs =
        [
            (F.EthSrc, FieldId.EthSrc), (F.EthDst, FieldId.EthDst), (F.EthType, FieldId.EthType), (F.Tci0, FieldId.VlanTci), (F.Ip6Src, FieldId.Ipv6Src),
            (F.Ip6Dst, FieldId.Ipv6Dst), (F.IpSrc, FieldId.Ipv4Src), (F.IpDst, FieldId.Ipv4Dst), (F.Ip6Label, FieldId.Ipv6Label), (F.Proto, FieldId.IpProto),
            (F.Ttl, FieldId.IpTtl), (F.Frag, FieldId.IpFrag), (F.HwSrc, FieldId.ArpSha), (F.HwDst, FieldId.ArpTha), (F.NdTarget, FieldId.NdTarget),
            (F.TpSrc, FieldId.TcpSrc), (F.TpDst, FieldId.TcpDst), (F.TcpFlags, FieldId.TcpFlags),
        ];
        foreach ((F model, FieldId engine) in pairs)
        {
            UInt128 got = Fields.Of(engine).Get(ref flow);
            Assert.True(want[model] == got, $"{engine}: model {want[model]:x}, engine {got:x} in {Convert.ToHexStringLower(frame)}");
        }

        Assert.Equal((byte)want[F.Tos], key.NwTos);
        Assert.Equal((ushort)want[F.Tci1], key.Vlan1Tci.Host);
    }
}
