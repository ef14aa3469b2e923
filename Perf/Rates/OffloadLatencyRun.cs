using System.Diagnostics;
using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary>What a merged rule costs, and how long it takes until rules that a flow-mod revoked are acknowledged as unused. Soft device.</summary>
public sealed class OffloadLatencyRun : IDisposable, IOutputSink
{
    private const uint ClientNet = 0x0a000000, Server = 0x0b000001;
    private const int TracesPerRound = 128;

    private readonly Simulator _simulator;
    private readonly FlowTextParser _parser = new();
    private readonly byte[][] _queries;
    private readonly ThreadedRuntime? _runtime;
    private readonly QuiescentState.Reader? _reader;

    /// <summary>A switch with <paramref name="connections"/> established UDP connections, their rules installed.</summary>
    /// <param name="connections">Connections; each has one rule.</param>
    /// <param name="threaded">The offload and aging threads run beside the packet thread, as in the shipped runtime.</param>
    public OffloadLatencyRun(int connections, bool threaded)
    {
        _simulator = new Simulator(
            new SimulatorOptions { Ports = [("p1", 1), ("p2", 2)], Offload = OffloadMode.Soft, MergedCapacity = 4 * connections, ConnectionCapacity = 2 * connections, BatchSize = 32 },
            this);
        _simulator.ApplyFlowMods(_parser.ParseFlows(
            """
            table=0,priority=9,ip actions=ct(table=1,zone=5)
            table=1,priority=9,ct_state=+trk+new,ip,in_port=1 actions=ct(commit,zone=5),output:2
            table=1,priority=8,ct_state=+trk+est,ip,in_port=2 actions=output:1
            table=1,priority=8,ct_state=+trk+est,ip,in_port=1 actions=output:2
            """));
        _queries = [.. Enumerable.Range(0, connections).Select(i => FrameBuilder.Build(ClientNet + (uint)(i / 60_000), Server, 1024 + (i % 60_000), 80))];
        for (int i = 0; i < connections; i++)
        {
            _simulator.Receive(1, _queries[i], 0);
            _simulator.ProcessPending();
            _simulator.Receive(2, FrameBuilder.Build(Server, ClientNet + (uint)(i / 60_000), 80, 1024 + (i % 60_000)), 0);
            _simulator.ProcessPending();
        }

        if (!threaded) return;
        Datapath d = _simulator.Datapath;
        _reader = d.PmdQuiescent.Register();
        _runtime = new ThreadedRuntime(IdleOptions.NeverSleeps);
        _runtime.Add("offload", null, [d.Offload!, d.Aging!], d.Quiescent.Register());
        _runtime.Start();
    }

    /// <summary>Rules in the device.</summary>
    public int RuleCount => _simulator.Datapath.Offload!.RuleCount;

    /// <summary>Sends packets of each connection: the first makes its rule, the second is forwarded by it.</summary>
    public void Fill()
    {
        Send();
        Send();
    }

    private void Send()
    {
        for (int i = 0; i < _queries.Length; i++)
        {
            _simulator.Receive(1, _queries[i], 0);
            if (i % TracesPerRound != TracesPerRound - 1 && i != _queries.Length - 1) continue;
            _simulator.ProcessPending();
            while (_simulator.Datapath.Offload!.WaitingTraces > 0)
            {
                _reader?.Announce();
                _simulator.Datapath.Offload.Step(_simulator.NowMs);
            }
        }

        _reader?.Announce();
    }

    /// <summary>us from taking up a trace to the merged rule, and to the device's confirmation, rule by rule; of the rules that exist.</summary>
    public (double[] Merge, double[] Install) Costs()
    {
        MergedFlow[] rules = [.. _simulator.Datapath.Offload!.Report.Rules().Where(r => r.Clock.ConfirmedTicks != 0)];
        return (
            [.. rules.Select(r => MergedClock.Microseconds(r.Clock.BegunTicks, r.Clock.MergedTicks)!.Value).Order()],
            [.. rules.Select(r => MergedClock.Microseconds(r.Clock.BegunTicks, r.Clock.ConfirmedTicks)!.Value).Order()]);
    }

    /// <summary>us per rule on the offload thread alone: traces are queued first, then worked off without a break.</summary>
    public double WorkPerRuleUs()
    {
        long ticks = 0;
        int rules = 0;
        OffloadThread offload = _simulator.Datapath.Offload!;
        _simulator.Datapath.PurgeMegaflows(_simulator.NowMs);
        _simulator.Receive(1, _queries[0], 0);
        _simulator.ProcessPending();
        for (int i = 0; i + 32 <= _queries.Length; i += 32)
        {
            ulong before = offload.Stats.Installed;
            long t = Stopwatch.GetTimestamp();
            for (int k = 0; k < 32; k++) _simulator.Receive(1, _queries[i + k], 0);
            ticks += Stopwatch.GetTimestamp() - t;
            rules += (int)(offload.Stats.Installed - before);
        }

        return rules == 0 ? 0 : ticks * 1e6 / Stopwatch.Frequency / rules;
    }

    /// <summary>
    /// A flow-mod that changes the OpenFlow rule which all connections use: us until it is acknowledged, no packet uses what it revoked then; and us
    /// until the last revoked rule is removed and its counters are booked; and whether the thread had to wait for its processor before the acknowledgement.
    /// </summary>
    public (double AcknowledgedUs, double RemovedUs, bool HadToWait) Revoke(int round)
    {
        FlowMod mod = _parser.ParseFlow($"modify_strict table=1,priority=8,ct_state=+trk+est,ip,in_port=1 actions={(round % 2 == 0 ? "dec_ttl,output:2" : "output:2")}");
        OffloadThread offload = _simulator.Datapath.Offload!;
        long? waitedNs = ThreadTime.WaitNs();
        long t = Stopwatch.GetTimestamp();
        _simulator.Datapath.ApplyFlowMods([mod], _simulator.NowMs);
        double acknowledgedUs = (Stopwatch.GetTimestamp() - t) * 1e6 / Stopwatch.Frequency;
        bool hadToWait = ThreadTime.WaitNs() != waitedNs;
        while (offload.RevocationsUnderWay || offload.DyingCount > 0)
        {
            _reader?.Announce();
            if (_runtime is null) offload.Step(_simulator.NowMs);
            else Thread.Yield();
        }

        return (acknowledgedUs, (Stopwatch.GetTimestamp() - t) * 1e6 / Stopwatch.Frequency, hadToWait);
    }

    void IOutputSink.Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
    {
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _runtime?.Dispose();
        _simulator.Dispose();
    }
}
