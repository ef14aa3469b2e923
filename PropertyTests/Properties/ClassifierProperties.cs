using FsCheck.Xunit;
using Mergeflow.Native;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>Both classifiers find what a linear search finds (property 1 of the contract).</summary>
public sealed class ClassifierProperties(ITestOutputHelper output) : IDisposable
{
    private static readonly FieldId[] s_fields =
    [
        FieldId.EthSrc, FieldId.EthDst, FieldId.InPortOxm, FieldId.VlanTci, FieldId.Ipv4Src, FieldId.Ipv4Dst, FieldId.IpProto, FieldId.TcpSrc,
        FieldId.TcpDst, FieldId.CtMark, FieldId.CtZone, FieldId.RecircId, FieldId.Ipv6Src, FieldId.CtLabel, FieldId.ArpSha, FieldId.Ipv6Label,
    ];

    private readonly RunStatistics _statistics = new();

    public void Dispose() => output.WriteLine(_statistics.Report("lookups"));

    [SeededProperty(MaxTest = 150, Arbitrary = [typeof(CaseArbitraries)])]
    public void Tuple_space_search_is_linear_search(CaseSeed seed)
    {
        var chance = new Chance(seed.Value);
        using var table = new MegaflowTable(128, new QuiescentState());
        using var dpcls = new Dpcls();
        List<(FlowKey Mask, FlowKey Value, Megaflow Flow)> linear = [];
        for (int step = 0; step < 300; step++)
        {
            if (chance.OneIn(4) && linear.Count < 100) Add(chance, table, dpcls, linear);
            if (chance.OneIn(25) && linear.Count > 0)
            {
                int at = chance.Below(linear.Count);
                dpcls.Remove(linear[at].Flow);
                table.Delete(linear[at].Flow);
                table.Reclaim();
                linear.RemoveAt(at);
            }

            PipelineFlow probe = default;
            Randomize(chance, ref probe, 6);
            FlowKey key = probe.Key;
            ulong probed = 0;
            int want = -1;
            foreach ((FlowKey mask, FlowKey value, Megaflow flow) in linear)
            {
                if (Holds(key, mask, value)) want = flow.Id;
            }

            int got = dpcls.Lookup(ref key, FlowKey.LaneMap(ref key), ref probed);
            _statistics.Add("lookups");
            _statistics.Add(want >= 0 ? "hits" : "misses");
            Assert.True(want == got, $"step {step}: linear {want}, tuple space {got} of {linear.Count} megaflows in {dpcls.SubtableCount} subtables");
        }
    }

    [SeededProperty(MaxTest = 80, Arbitrary = [typeof(CaseArbitraries)])]
    public void OpenFlow_lookup_is_linear_search_by_priority(CaseSeed seed)
    {
        FuzzCase @case = CaseGenerator.Make(seed.Value, 60, conntrack: false);
        var pipeline = new OfPipeline(new PipelineOptions { Ports = [.. @case.Ports.Select(p => new PipelinePort($"p{p}", p))] });
        var tables = new ReferenceTables();
        foreach (FlowMod flow in @case.ParseFlows().Where(f => f.Table == 0))
        {
            // What the rule does is not the point: only which one is found.
            var bare = new FlowMod { Table = 0, Priority = flow.Priority, NewCookie = flow.NewCookie, Cookie = flow.Cookie, Match = flow.Match };
            pipeline.Apply(bare);
            tables.Apply(bare);
        }

        using var translator = new Translator(pipeline, new RecircStore());
        using var result = new XlateResult();
        using var pool = new PacketPool(1, 2048);
        PacketRef packet = pool.RentRef([], 1);
        foreach (FuzzEvent e in @case.Events.Where(e => e.Op == FuzzOp.Packet))
        {
            pool.Return(packet);
            packet = pool.RentRef(e.Frame, e.Port);
            packet.Extract();
            FlowKey key = packet.WholeKey();
            translator.Translate(ref key, e.Frame.Length, result, 0);
            RefFlow flow = ReferenceParser.Parse(e.Frame).Flow;
            flow[RefField.InPort] = e.Port;
            if (flow[RefField.Frag] != 0) flow[RefField.TpSrc] = flow[RefField.TpDst] = 0;
            ulong? want = tables.LookUp(0, flow)?.Cookie, got = result.Rules.Count > 0 ? result.Rules[0].Cookie : null;
            _statistics.Add("lookups");
            _statistics.Add(want is null ? "misses" : "hits");
            Assert.True(want == got, $"{Convert.ToHexStringLower(e.Frame)}: linear {want}, pipeline {got}\n{string.Join('\n', @case.Flows)}");
        }
    }

    /// <summary>Adds a megaflow that overlaps with none of the others: overlapping ones may not exist.</summary>
    private static void Add(Chance chance, MegaflowTable table, Dpcls dpcls, List<(FlowKey Mask, FlowKey Value, Megaflow Flow)> linear)
    {
        PipelineFlow key = default, mask = default;
        Randomize(chance, ref key, 6);
        int fields = 1 + chance.Below(4);
        for (int i = 0; i < fields; i++)
        {
            Field field = Fields.Of(chance.Of(s_fields));
            UInt128 bits = chance.OneIn(2) ? field.MaxValue : field.MaxValue & ~(((UInt128)1 << chance.Below(field.BitCount)) - 1);
            field.SetMasked(ref mask, bits, bits);
        }

        FlowKey full = key.Key, value = default;
        FlowKey maskKey = mask.Key;
        for (int i = 0; i < FlowKey.SizeBytes; i++) value.Bytes[i] = (byte)(full.Bytes[i] & maskKey.Bytes[i]);
        foreach ((FlowKey otherMask, FlowKey otherValue, _) in linear)
        {
            if (Overlaps(maskKey, value, otherMask, otherValue)) return;
        }

        Megaflow flow = table.Add(ref full, ref maskKey, default, 0)!;
        dpcls.Insert(flow);
        linear.Add((maskKey, value, flow));
    }

    private static void Randomize(Chance chance, ref PipelineFlow flow, int fields)
    {
        for (int i = 0; i < fields; i++)
        {
            Field field = Fields.Of(chance.Of(s_fields));
            field.Set(ref flow, (UInt128)(uint)chance.Below(3) << chance.Below(Math.Max(1, field.BitCount - 2)));
        }
    }

    private static bool Holds(FlowKey key, FlowKey mask, FlowKey value)
    {
        for (int i = 0; i < FlowKey.SizeBytes; i++)
        {
            if ((key.Bytes[i] & mask.Bytes[i]) != value.Bytes[i]) return false;
        }

        return true;
    }

    private static bool Overlaps(FlowKey maskA, FlowKey valueA, FlowKey maskB, FlowKey valueB)
    {
        for (int i = 0; i < FlowKey.SizeBytes; i++)
        {
            if (((valueA.Bytes[i] ^ valueB.Bytes[i]) & maskA.Bytes[i] & maskB.Bytes[i]) != 0) return false;
        }

        return true;
    }
}
