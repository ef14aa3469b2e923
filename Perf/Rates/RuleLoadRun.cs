using System.Globalization;
using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary>What it takes to change rules while there are megaflows, on one thread without packets in between.</summary>
public sealed class RuleLoadRun : IDisposable
{
    private readonly Simulator _simulator;
    private readonly FlowTextParser _parser = new();

    /// <summary>A switch with <paramref name="megaflows"/> megaflows, one for each destination, of two tables each.</summary>
    public RuleLoadRun(int megaflows)
    {
        _simulator = new Simulator(new SimulatorOptions { Ports = [("p1", 1), ("p2", 2), ("p3", 3)], BatchSize = 32 }, new Nowhere());
        _simulator.ApplyFlowMods(_parser.ParseFlows(
            """
            table=0,priority=1,ip,actions=move:NXM_OF_IP_DST[]->NXM_NX_REG0[],resubmit(,2)
            table=2,priority=1,ip,actions=output:2
            """));
        for (int i = 0; i < megaflows; i++) _simulator.Receive(1, FrameBuilder.Build(0x0b000001, Destination(i), 1000, 80), 0);
        _simulator.ProcessPending();
    }

    /// <summary>Megaflows that there are.</summary>
    public int Megaflows => _simulator.Datapath.MegaflowCount;

    /// <summary>Adds rules for one destination each, so each is the matter of one megaflow, as long as there are as many.</summary>
    /// <param name="from">Number of the first destination.</param>
    /// <param name="count">Rules.</param>
    /// <param name="perOrder">Rules of one order.</param>
    /// <returns>us that each order took, ascending; and translations in all.</returns>
    public (double[] Us, ulong Translations) Add(int from, int count, int perOrder) => Apply(from, count, perOrder, static i => Line(i, "add ", ",actions=output:3"));

    /// <summary>Deletes the same rules.</summary>
    public (double[] Us, ulong Translations) Delete(int from, int count, int perOrder) => Apply(from, count, perOrder, static i => Line(i, "delete_strict ", ""));

    /// <inheritdoc/>
    public void Dispose() => _simulator.Dispose();

    private (double[] Us, ulong Translations) Apply(int from, int count, int perOrder, Func<int, string> line)
    {
        FlowMod[][] orders = [.. Enumerable.Range(from, count).Select(i => _parser.ParseFlow(line(i))).Chunk(perOrder)];
        ulong before = _simulator.Pipeline.Work.Translations;
        var us = new double[orders.Length];
        for (int i = 0; i < us.Length; i++)
        {
            long start = MonotonicClock.NowNs;
            _simulator.Datapath.ApplyFlowMods(orders[i], _simulator.NowMs);
            us[i] = (MonotonicClock.NowNs - start) / 1e3;
        }

        Array.Sort(us);
        return (us, _simulator.Pipeline.Work.Translations - before);
    }

    private static string Line(int i, string command, string actions)
    {
        uint d = Destination(i);
        return string.Create(CultureInfo.InvariantCulture, $"{command}table=0,priority=9,ip,nw_dst={d >> 24}.{d >> 16 & 255}.{d >> 8 & 255}.{d & 255}{actions}");
    }

    private static uint Destination(int i) => 0x0a000000 + (uint)i;

    private sealed class Nowhere : IOutputSink
    {
        public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
        {
        }
    }
}
