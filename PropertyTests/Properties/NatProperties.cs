using FsCheck.Xunit;
using Xunit;
using F = Mergeflow.PropertyTests.RefField;

namespace Mergeflow.PropertyTests;

/// <summary>NAT gives every connection its own tuple, inside the range, for as long as the connection lives, and translates back (property 9).</summary>
public sealed class NatProperties(ITestOutputHelper output) : IDisposable
{
    private const uint FirstAddress = 0xc6120010;
    private readonly RunStatistics _statistics = new();

    public void Dispose() => output.WriteLine(_statistics.Report("packets"));

    [SeededProperty(MaxTest = 40, Arbitrary = [typeof(CaseArbitraries)])]
    public void Translated_tuples_are_injective(CaseSeed seed)
    {
        var chance = new Chance(seed.Value);
        int addresses = 1 + chance.Below(2), ports = 2 + chance.Below(6);
        string range = $"{Domain.Ip(FirstAddress)}-{Domain.Ip(FirstAddress + (uint)addresses - 1)}:2000-{2000 + ports - 1}";
        List<FuzzEvent> events =
        [
            .. Enumerable.Range(0, 120).Select(_ => new FuzzEvent(0, FuzzOp.Packet)
            {
                Port = 1,
                Frame = FrameWriter.Write(new FrameSpec
                {
                    Src = chance.Of(Domain.Hosts),
                    Dst = 0x08080808,
                    Proto = 17,
                    SrcPort = chance.Of(Domain.L4Ports),
                    DstPort = chance.OneIn(2) ? (ushort)53 : (ushort)80,
                }),
            }),
        ];
        string[] flows = [$"cookie=0x1,table=0,priority=1,udp,in_port=1 actions=ct(commit,table=1,zone=1,nat(src={range}))", "cookie=0x2,table=1,priority=1 actions=output:2"];
        var @case = new FuzzCase("nat", Domain.Ports, flows, [], events);
        RunResult run = EngineRun.Play(@case, new EngineSetup(Seed: (ulong)seed.Value + 1, BatchSize: 1 + (seed.Value % 32)));

        Dictionary<(UInt128, ulong, ulong), (UInt128, ulong)> owner = [];
        Dictionary<(UInt128, ulong, ulong), (UInt128, ulong, ulong)> mapping = [];
        for (int i = 0; i < events.Count; i++)
        {
            RefFlow before = ReferenceParser.Parse(events[i].Frame).Flow;
            string sent = Assert.Single(run.Outputs[i]);
            RefFlow after = ReferenceParser.Parse(Convert.FromHexString(sent[2..])).Flow;
            _statistics.Add("packets");
            var tuple = (before[F.IpSrc], before.U(F.TpSrc), before.U(F.TpDst));
            var wire = (after[F.IpSrc], after.U(F.TpSrc), after.U(F.TpDst));
            if (wire == tuple)
            {
                // No tuple was left: the packet passes, but there is no connection. The address is chosen first, then its ports are tried.
                _statistics.Add("exhausted");
                bool oneIsFull = owner.Keys.Where(k => k.Item3 == tuple.Item3).GroupBy(k => k.Item1).Any(g => g.Count() == ports);
                Assert.True(oneIsFull, "given up although every address has a free port");
                continue;
            }

            Assert.InRange(wire.Item1, FirstAddress, FirstAddress + (uint)addresses - 1);
            Assert.InRange(wire.Item2, 2000UL, 2000UL + (ulong)ports - 1);
            if (!owner.TryAdd(wire, (tuple.Item1, tuple.Item2))) Assert.Equal(owner[wire], (tuple.Item1, tuple.Item2));
            if (!mapping.TryAdd(tuple, wire)) Assert.Equal(mapping[tuple], wire);
        }
    }
}
