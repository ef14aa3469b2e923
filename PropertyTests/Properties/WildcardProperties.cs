using System.Runtime.InteropServices;
using FsCheck.Xunit;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// A megaflow's mask holds every bit that was consulted: whatever else a packet has, it translates to the same program by way of the same rules
/// (property 2 of the contract).
/// </summary>
public sealed class WildcardProperties(ITestOutputHelper output) : IDisposable
{
    private static readonly FieldId[] s_always = [FieldId.EthSrc, FieldId.EthDst, FieldId.InPortOxm];
    private static readonly FieldId[] s_ipv4 = [FieldId.Ipv4Src, FieldId.Ipv4Dst];
    private static readonly FieldId[] s_ipv6 = [FieldId.Ipv6Src, FieldId.Ipv6Dst, FieldId.Ipv6Label];
    private static readonly FieldId[] s_ip = [FieldId.NwTos, FieldId.IpEcn, FieldId.IpTtl, FieldId.IpProto];
    private static readonly FieldId[] s_ports = [FieldId.TcpSrc, FieldId.TcpDst];
    private static readonly FieldId[] s_arp = [FieldId.ArpSpa, FieldId.ArpTpa, FieldId.ArpSha, FieldId.ArpTha];
    private static readonly FieldId[] s_tag = [FieldId.VlanVid, FieldId.VlanPcp];
    private static readonly FieldId[] s_tracked = [FieldId.CtMark, FieldId.CtLabel, FieldId.CtZone];

    private readonly RunStatistics _statistics = new();

    public void Dispose() => output.WriteLine(_statistics.Report("flips"));

    [SeededProperty(MaxTest = 60, Arbitrary = [typeof(CaseArbitraries)])]
    public void Bits_outside_the_mask_do_not_matter(CaseSeed seed)
    {
        FuzzCase @case = CaseGenerator.Make(seed.Value, 50);
        var chance = new Chance(seed.Value);
        var pipeline = new OfPipeline(new PipelineOptions { Ports = [.. @case.Ports.Select(p => new PipelinePort($"p{p}", p))] });
        foreach (GroupMod group in @case.ParseGroups()) pipeline.ApplyGroup(group);
        pipeline.ApplyAll(@case.ParseFlows());
        using var translator = new Translator(pipeline, new RecircStore());
        using XlateResult first = new(), again = new();
        using var pool = new PacketPool(1, 2048);
        foreach (FuzzEvent e in @case.Events.Where(e => e.Op == FuzzOp.Packet))
        {
            PacketRef packet = pool.RentRef(e.Frame, e.Port);
            packet.Extract();
            PipelineFlow flow = new() { Key = packet.WholeKey() };
            pool.Return(packet);
            if (chance.OneIn(3)) Track(chance, ref flow);
            FlowKey key = flow.Key;
            translator.Translate(ref key, e.Frame.Length, first, 0);
            for (int i = 0; i < 20; i++)
            {
                PipelineFlow other = flow;
                if (!Flip(chance, ref other, first.Mask, out string what)) continue;
                FlowKey otherKey = other.Key;
                translator.Translate(ref otherKey, e.Frame.Length, again, 0);
                _statistics.Add("flips");
                bool same = MemoryMarshal.AsBytes(first.Actions).SequenceEqual(MemoryMarshal.AsBytes(again.Actions))
                    && first.Rules.SequenceEqual(again.Rules);
                Assert.True(
                    same,
                    $"{what} is outside the mask, but matters: {FlowKeyFormatter.Format(key)}\n{string.Join('\n', first.Rules.Select(r => r.Cookie.ToString("x")))}\n"
                    + $"--\n{string.Join('\n', again.Rules.Select(r => r.Cookie.ToString("x")))}\n{string.Join('\n', @case.Flows)}");
            }
        }
    }

    private static void Track(Chance chance, ref PipelineFlow flow)
    {
        flow.Key.CtState = chance.Of([CtState.Trk | CtState.New, CtState.Trk | CtState.Est, CtState.Trk | CtState.Est | CtState.Rpl, CtState.Trk | CtState.Inv]);
        Fields.Of(FieldId.CtZone).Set(ref flow, (uint)chance.Of(Domain.Zones));
        Fields.Of(FieldId.CtMark).Set(ref flow, (uint)chance.Below(4));
        Fields.Of(FieldId.CtLabel).Set(ref flow, (uint)chance.Below(2));
    }

    /// <summary>Changes a bit of a field that the packet has and the mask has not.</summary>
    private static bool Flip(Chance chance, ref PipelineFlow flow, FlowKey mask, out string what)
    {
        PipelineFlow maskFlow = new() { Key = mask };
        Field field = Fields.Of(chance.Of(FieldsOf(flow.Key)));
        int bit = chance.Below(field.BitCount);
        UInt128 one = UInt128.One << bit;
        what = $"{field.Name}[{bit}]";
        if ((field.OwnedBits & one) == 0 || (field.Get(ref maskFlow) & one) != 0) return false;

        // A change of the protocol makes the ports those of another one.
        field.SetMasked(ref flow, field.Get(ref flow) ^ one, one);
        return true;
    }

    private static List<FieldId> FieldsOf(FlowKey key)
    {
        bool isIpv4 = key.DlType.Host == EthType.Ip, isIpv6 = key.DlType.Host == EthType.Ipv6;
        List<FieldId> fields = [.. s_always];
        if (isIpv4) fields.AddRange(s_ipv4);
        if (isIpv6) fields.AddRange(s_ipv6);
        if (isIpv4 || isIpv6) fields.AddRange(s_ip);
        if ((isIpv4 || isIpv6) && key.NwProto is 6 or 17) fields.AddRange(s_ports);
        if (key.DlType.Host == EthType.Arp) fields.AddRange(s_arp);
        if ((key.Vlan0Tci.Host & 0x1000) != 0) fields.AddRange(s_tag);
        if (key.CtState != CtState.None) fields.AddRange(s_tracked);
        return fields;
    }
}
