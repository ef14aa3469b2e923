using Xunit;

namespace Mergeflow.Tests;

/// <summary>What addresses that <c>normal</c> learns cost, in translations: only megaflows that asked for an address look again when it changes.</summary>
public sealed class MacFloodTests
{
    private const int Hosts = 2_000;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_flood_of_new_addresses_costs_nothing_per_megaflow(bool repeatsOvs31)
    {
        OutputRecorder outputs = new();
        using Simulator s = Switch(outputs, repeatsOvs31);
        Fill(s);
        Assert.True(s.Datapath.Megaflows.Count >= Hosts);
        ulong before = s.Pipeline.Work.Translations;
        const int Frames = 1_000;
        for (int i = 0; i < Frames; i++) s.Receive(3, Frame(0x0a_0000_0000_00UL + (ulong)i, Gateway), i);
        s.ProcessPending();
        Assert.InRange(s.Pipeline.Work.Translations - before, 1UL, 3UL * Frames);
    }

    [Fact]
    public void Exactly_the_megaflows_that_asked_for_an_address_follow_it()
    {
        OutputRecorder outputs = new();
        using Simulator s = Switch(outputs, repeatsOvs31: false);
        Fill(s);
        ulong before = s.Pipeline.Work.Translations;

        // The gateway moves to port 3: its megaflows, one per host, are looked at, and the ones towards hosts are not.
        s.Receive(3, Frame(Gateway, Host(0)), 1);
        s.ProcessPending();
        Assert.InRange(s.Pipeline.Work.Translations - before, (ulong)Hosts, (ulong)Hosts + 4);
        outputs.Clear();
        for (int i = 1; i < 20; i++) s.Receive(1, Frame(Host(i), Gateway), i);
        s.ProcessPending();
        Assert.Equal([3u], outputs.Ports);
        before = s.Pipeline.Work.Translations;
        s.Receive(2, Frame(Host(7), Gateway), 1);
        s.ProcessPending();
        Assert.InRange(s.Pipeline.Work.Translations - before, 1UL, 4UL);
    }

    [Fact]
    public void An_address_that_is_learned_ends_the_flooding_to_it()
    {
        OutputRecorder outputs = new();
        using Simulator s = Switch(outputs, repeatsOvs31: false);
        s.Receive(1, Frame(Host(1), Host(2)), 0);
        s.ProcessPending();
        Assert.Equal([2u, 3u], outputs.Ports);
        outputs.Clear();
        s.Receive(2, Frame(Host(2), Gateway), 1);
        s.ProcessPending();
        outputs.Clear();
        s.Receive(1, Frame(Host(1), Host(2)), 2);
        s.ProcessPending();
        Assert.Equal([2u], outputs.Ports);
    }

    [Fact]
    public void A_step_translates_a_bounded_number_of_megaflows()
    {
        OutputRecorder outputs = new();
        using Simulator s = Switch(outputs, repeatsOvs31: false);
        Fill(s);
        Revalidator revalidator = s.Datapath.Revalidator;
        Assert.False(revalidator.IsBehind);

        // All addresses age at once.
        Drain(s, revalidator, s.NowMs + 300_001);
        Fill(s);
        s.Pipeline.ApplyAll(new FlowTextParser().ParseFlows("add priority=7,dl_dst=02:ff:00:00:00:00,actions=drop"));
        Assert.True(revalidator.IsBehind);
        Drain(s, revalidator, s.NowMs);
    }

    /// <summary>Who floods takes addresses from itself only (OVS <c>evict_mac_entry_fairly</c>).</summary>
    [Fact]
    public void A_full_table_makes_room_at_the_port_with_the_most_addresses()
    {
        OfPipeline pipeline = new(new PipelineOptions { Ports = [new("p1", 1), new("p2", 2), new("p3", 3)], MacTableSize = 64 });
        pipeline.ApplyAll(new FlowTextParser().ParseFlows("actions=normal"));
        using Translator translator = new(pipeline, new RecircStore());
        using XlateResult result = new();
        for (int i = 0; i < 10; i++) Translate(2, Host(i), Gateway);
        for (int i = 0; i < 10_000; i++) Translate(3, 0x0a_0000_0000_00UL + (ulong)i, Gateway);
        for (int i = 0; i < 10; i++) Assert.Equal("2", Translate(1, Gateway, Host(i)));
        Assert.Equal("2,3", Translate(1, Gateway, 0x0a_0000_0000_00UL));
        Assert.Equal("3", Translate(1, Gateway, 0x0a_0000_0000_00UL + 9_999));

        string Translate(uint port, ulong src, ulong dst)
        {
            FlowKey key = PipelineBed.Tcp();
            key.InPort = Mergeflow.Native.Be32.FromHost(port);
            (key.DlSrc, key.DlDst) = (EthAddress.FromUInt64(src), EthAddress.FromUInt64(dst));
            translator.Translate(ref key, 100, result, 0);
            return DpFlowFormatter.FormatActions(result.Actions);
        }
    }

    private const ulong Gateway = 0x02_ff_00_00_00_01;

    private static ulong Host(int i) => 0x02_00_00_00_00_00UL + (ulong)i;

    private static void Drain(Simulator s, Revalidator revalidator, long nowMs)
    {
        ulong start = s.Pipeline.Work.Translations;
        int steps = 0;
        do
        {
            ulong before = s.Pipeline.Work.Translations;
            revalidator.Step(nowMs);
            Assert.InRange(s.Pipeline.Work.Translations - before, 0UL, 128UL);
            Assert.True(++steps < 1_000, "it never ends");
        }
        while (revalidator.IsBehind);
        Assert.InRange(s.Pipeline.Work.Translations - start, (ulong)Hosts, 4UL * Hosts);
    }

    /// <summary>A gateway behind port 2, hosts behind port 1 that talk to it.</summary>
    private static void Fill(Simulator s)
    {
        s.Receive(2, Frame(Gateway, Host(0)), 0);
        for (int i = 0; i < Hosts; i++) s.Receive(1, Frame(Host(i), Gateway), i);
        s.ProcessPending();
    }

    private static Simulator Switch(IOutputSink outputs, bool repeatsOvs31)
    {
        Simulator s = new(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2), ("p3", 3)], Quirks = repeatsOvs31 ? Quirks.Ovs31 : Quirks.None }, outputs);
        s.ApplyFlowMods(new FlowTextParser().ParseFlows("actions=normal"));
        return s;
    }

    private static byte[] Frame(ulong src, ulong dst)
    {
        byte[] frame = new byte[60];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(frame, dst << 16);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(frame.AsSpan(6), src << 16);
        (frame[12], frame[13]) = (0x88, 0xb5);
        return frame;
    }

    private sealed class OutputRecorder : IOutputSink
    {
        private readonly SortedSet<uint> _ports = [];

        public IEnumerable<uint> Ports => _ports;

        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => _ports.Add(port);

        public void Clear() => _ports.Clear();
    }
}
