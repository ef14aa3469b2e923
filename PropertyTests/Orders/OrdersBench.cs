using System.Globalization;
using Xunit;

namespace Mergeflow.PropertyTests;

/// <summary>
/// A switch whose packet threads are stepped one by one by the test, while another thread gives an order and waits as control does: how many steps of each packet thread the order takes, and that
/// on its return no frame goes by what it revoked.
/// </summary>
internal sealed class OrdersBench : IOutputSink, IDisposable
{
    private const int Flows = 200;
    private const int MeterPackets = 1_000_000;

    private readonly Engine.Runtime.Datapath _datapath;
    private readonly SwitchPollers _pollers;
    private readonly RingRxQueue[] _rings;
    private readonly RingRxQueue _back = new(OrdersModel.Right), _answers = new(OrdersModel.Left);
    private readonly Chance _chance;
    private readonly OrdersModel _model = new(Flows);
    private readonly Dictionary<(int Flow, uint Port), int> _seen = [];
    private long _nowMs = 1_000;

    public OrdersBench(int seed, int pmds, OffloadMode offload, int handlers)
    {
        _chance = new Chance(seed);
        _datapath = new Engine.Runtime.Datapath(
            new DatapathOptions
            {
                Ports = [("in", OrdersModel.In), ("left", OrdersModel.Left), ("right", OrdersModel.Right)],
                PmdCount = pmds,
                QueuesPerPort = pmds,
                HandlerCount = handlers,
                Offload = offload,
                Seed = (ulong)seed + 1,
                ConnectionCapacity = 1024,
                MegaflowCapacity = 2048,
                MergedCapacity = 512,
                EmcEntryCount = 256,
                PacketCapacity = 400,
                FrameCapacityBytes = 2048,
            },
            new OutputSinkAdapter(this));
        Run(_datapath.ApplyMeterMod(FlowTextParser.ParseMeters($"meter=1,pktps,band=type=drop,rate={MeterPackets}").Single(), _nowMs));
        Run(_datapath.ApplyGroupMod(Group(), _nowMs));
        Run(_datapath.ApplyFlowMods(Mods(
            "table=0,priority=1,ip,in_port=1 actions=resubmit(,2)",
            "table=0,priority=20,ip,in_port=3 actions=normal",
            "table=0,priority=20,ip,in_port=2 actions=ct(table=3)",
            "table=2,priority=1,ip actions=output:2",
            "table=3,ct_state=+trk+new,ip,in_port=1 actions=ct(commit),output:2",
            "table=3,ct_state=+trk+est,ip,in_port=1 actions=output:3",
            "table=3,ct_state=+trk+est,ip,in_port=2 actions=drop"), _nowMs));
        FlowAction[] kinds = Enum.GetValues<FlowAction>();
        for (int i = 0; i < Flows; i++) SetFlow(i, kinds[i % kinds.Length]);
        _pollers = new SwitchPollers(_datapath, onThreads: true, this, () => _nowMs);
        _rings = [.. Enumerable.Range(0, pmds).Select(static _ => new RingRxQueue(OrdersModel.In, 1024))];
        for (int i = 0; i < pmds; i++) _pollers.Add(new RxQueueName(OrdersModel.In, i), _rings[i]);
        _pollers.Add(new RxQueueName(OrdersModel.Right, 0), _back);
        _pollers.Add(new RxQueueName(OrdersModel.Left, 0), _answers);
        foreach (PmdContext pmd in _datapath.Pmds) pmd.Calls.Attach(_pollers.Pmds[pmd.Index].Latch);
    }

    /// <summary>Kinds of orders: name, and what a packet thread has to do for one, in steps.</summary>
    public static IReadOnlyList<string> Kinds { get; } = ["rule", "rule of all", "delete rules", "group", "meter", "link", "floods", "forwards", "vlan", "add port", "remove port", "option", "forget learned", "flush", "purge", "settle"];

    /// <summary>Packets by merged rules, of a device too, and orders that came while megaflows were in doubt.</summary>
    public (ulong Merged, int InDoubt) Reached { get; private set; }

    /// <summary>Gives one order of a kind in the middle of traffic, often right behind another one; returns the most steps that a packet thread made with the order waiting for it.</summary>
    public int Give(string kind)
    {
        Traffic();
        if (_chance.OneIn(2)) StepsOf(OrderOf(_chance.Of(["rule of all", "group", "link", "purge", "forwards"])));
        if (_datapath.Pmds.Any(static p => p.Megaflows.IsInDoubt)) Reached = (Reached.Merged, Reached.InDoubt + 1);
        int steps = StepsOf(OrderOf(kind));

        // What is on its way came before the order, or it is new: nothing else goes by the old tables.
        Verify(kind);
        Reached = (_datapath.Pmds.Aggregate(0ul, static (sum, p) => sum + p.Thread.Stats.MergedHits) + (_pollers.Device?.Packets ?? 0), Reached.InDoubt);
        return steps;
    }

    /// <summary>Most slots of a packet thread that hold, or held, a megaflow.</summary>
    public int HighWater => _datapath.Pmds.Max(static p => p.Megaflows.HighWater);

    /// <inheritdoc/>
    public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame)
    {
        int flow = frame[33];
        _seen[(flow, port)] = _seen.GetValueOrDefault((flow, port)) + 1;
    }

    public void Dispose()
    {
        foreach (PollerGroup group in _pollers.Pmds)
        {
            group.Reader?.Leave();
            group.AtEnd?.Invoke();
        }

        _pollers.Dispose();
        foreach (RingRxQueue ring in _rings) ring.Dispose();
        _back.Dispose();
        _answers.Dispose();
        _datapath.Dispose();
    }

    private static void Run(Acknowledgement acknowledgement) => Assert.Equal(Acknowledgement.Done, acknowledgement);

    private static FlowMod[] Mods(params string[] lines) => [.. lines.Select(static l => FuzzCase.Parser.ParseFlow(l))];

    private GroupMod Group() => FuzzCase.Parser.ParseGroup(_model.GroupFailsOver
        ? "group_id=1,type=ff,bucket=watch_port:2,output:2,bucket=watch_port:3,output:3"
        : "group_id=1,type=all,bucket=output:2,bucket=output:3");

    /// <summary>The order, and the model told of it.</summary>
    private Action OrderOf(string kind)
    {
        long now = _nowMs;
        uint port = _chance.OneIn(2) ? OrdersModel.Left : OrdersModel.Right;
        switch (kind)
        {
            case "rule":
                FlowMod[] one = FlowMods(_chance.Below(Flows), _chance.Of(Enum.GetValues<FlowAction>()));
                return () => _datapath.ApplyFlowMods(one, now);
            case "rule of all":
                _model.Common = _chance.Of([0u, OrdersModel.Left, OrdersModel.Right]);
                FlowMod[] all = Mods($"modify_strict table=2,priority=1,ip actions={(_model.Common == 0 ? "drop" : Invariant($"output:{_model.Common}"))}");
                return () => _datapath.ApplyFlowMods(all, now);
            case "delete rules":
                for (int i = 0; i < Flows; i++) _model.Set(i, FlowAction.None);
                FlowMod[] delete = Mods("delete table=0,cookie=7/-1");
                return () => _datapath.ApplyFlowMods(delete, now);
            case "group":
                _model.GroupFailsOver = !_model.GroupFailsOver;
                GroupMod group = Group() with { Command = GroupModCommand.Modify };
                return () => _datapath.ApplyGroupMod(group, now);
            case "meter":
                // Rules that begin with a meter go with it.
                _model.HasMeter = !_model.HasMeter;
                for (int i = 0; i < Flows; i++)
                {
                    if (_model.Actions[i] == FlowAction.Metered) _model.Set(i, FlowAction.None);
                }

                MeterMod meter = FlowTextParser.ParseMeters($"meter=1,pktps,band=type=drop,rate={MeterPackets}").Single() with { Command = _model.HasMeter ? MeterModCommand.Add : MeterModCommand.Delete };
                return () => _datapath.ApplyMeterMod(meter, now);
            case "link":
                bool isUp = Toggle(_model.Up, port);
                return () => _datapath.Ports.SetLink(port, isUp, now);
            case "floods":
                bool isQuiet = Toggle(_model.Quiet, port);
                return () => _datapath.Ports.SetFloods(port, !isQuiet, now);
            case "forwards":
                bool isClosed = Toggle(_model.Closed, port);
                return () => _datapath.Ports.SetForwards(port, !isClosed, now);
            case "vlan":
                // The others are trunks of all VLANs and keep their tags: frames without one go on as before.
                PortVlan vlan = new(PortVlanMode.Trunk, 0, _chance.OneIn(2) ? [] : [0, 5]);
                return () => _datapath.Ports.SetVlan(OrdersModel.Left, vlan, now);
            case "add port" or "remove port" when _model.Up.Contains(OrdersModel.Extra):
                _model.Up.Remove(OrdersModel.Extra);
                return () => _datapath.Ports.Remove(OrdersModel.Extra, now);
            case "add port" or "remove port":
                _model.Up.Add(OrdersModel.Extra);
                return () => _datapath.Ports.Add(new PipelinePort("extra", OrdersModel.Extra), 1, now);
            case "option":
                GeneveOption option = _chance.OneIn(2) ? default : new GeneveOption(1, 2, 4);
                return () => _datapath.SetOption(option, now);
            case "forget learned":
                // What packets have not been counted for would teach it again.
                StepsOf(() => _datapath.Settle(now));
                _model.IsLearned = false;
                return () => _datapath.ForgetLearned(now);
            case "flush":
                _model.Established.Clear();
                _model.Open.Clear();
                return () => _datapath.FlushConntrack(null, now);
            case "purge":
                return () => _datapath.PurgeMegaflows(now);
            default:
                return () => _datapath.Settle(now);
        }
    }

    private static bool Toggle(HashSet<uint> ports, uint port) => !ports.Remove(port) && ports.Add(port);

    private void SetFlow(int i, FlowAction action) => Run(_datapath.ApplyFlowMods(FlowMods(i, action), _nowMs));

    private FlowMod[] FlowMods(int i, FlowAction action)
    {
        if (action == FlowAction.Metered && !_model.HasMeter) action = FlowAction.Drop;
        _model.Set(i, action);
        string match = Invariant($"table=0,priority=9,ip,in_port=1,nw_dst=10.0.0.{i}");
        if (action == FlowAction.None) return Mods($"delete_strict {match}");
        return Mods($"add cookie=7,{match} actions=" + action switch
        {
            FlowAction.Drop => "drop",
            FlowAction.Left => "output:2",
            FlowAction.Right => "output:3",
            FlowAction.Group => "group:1",
            FlowAction.Metered => "meter:1,output:3",
            FlowAction.Flood => "flood",
            FlowAction.Normal => "normal",
            _ => "ct(table=3)",
        });
    }

    /// <summary>An order is given and waited for on a thread of its own; packet threads are stepped here while one of them is asked for something, in turns of another order each.</summary>
    private int StepsOf(Action order)
    {
        int[] steps = new int[_datapath.Pmds.Count];
        Task given = Task.Run(order);
        while (!given.IsCompleted)
        {
            if (!_datapath.Pmds.Any(static p => p.Calls.IsCalled))
            {
                Thread.Yield();
                continue;
            }

            foreach (int i in Shuffled(steps.Length))
            {
                if (_datapath.Pmds[i].Calls.IsCalled) steps[i]++;
                _pollers.Pmds[i].Step(_nowMs);
            }
        }

        given.GetAwaiter().GetResult();
        return steps.Max();
    }

    /// <summary>Frames of all flows on all packet threads, learning and connections, and slices in between as chance has it.</summary>
    private void Traffic()
    {
        _nowMs++;
        if (_chance.OneIn(3)) Learn();
        if (_chance.OneIn(3)) Establish();
        for (int n = _chance.Below(4 * Flows); n > 0; n--)
        {
            int flow = _chance.Below(Flows);
            if (_model.Actions[flow] == FlowAction.Tracked && !_model.Established.Contains(flow)) continue;
            _chance.Of(_rings).TrySend(Frame(flow, isAnswer: false));
            if (_pollers.Handlers.Count > 0) Drain();
            else if (_chance.OneIn(4)) StepSome(1);
        }

        Drain();
        StepSome(_chance.Below(20));
    }

    /// <summary>Steps of threads that chance draws, of the offload and of handlers too.</summary>
    private void StepSome(int count)
    {
        PollerGroup[] groups = [.. _pollers.All];
        for (; count > 0; count--) _chance.Of(groups).Step(_nowMs);
    }

    private void Drain()
    {
        while (_rings.Any(static r => r.Count > 0) || _back.Count > 0 || _answers.Count > 0 || _datapath.Pmds.Any(static p => p.Thread.ParkedCount > 0))
        {
            foreach (int i in Shuffled(_rings.Length)) _pollers.Pmds[i].Step(_nowMs);
            foreach (PollerGroup handler in _pollers.Handlers) handler.Step(_nowMs);
        }
    }

    private void Learn()
    {
        Drain();
        _back.TrySend(FrameWriter.Write(new FrameSpec { EthSrc = Domain.Macs[1], EthDst = 0xffff_ffff_ffff, Src = 0x0a000101, Dst = 0x0a0001ff, SrcPort = 9, DstPort = 9 }));
        Drain();

        // Of a packet that has its megaflow normal learns when it is counted.
        _model.IsLearned = true;
    }

    private void Establish()
    {
        Drain();
        for (int i = 0; i < Flows; i++)
        {
            if (_model.Actions[i] != FlowAction.Tracked) continue;
            _rings[0].TrySend(Frame(i, isAnswer: false));
            Drain();
            _answers.TrySend(Frame(i, isAnswer: true));
            Drain();
            _model.Established.Add(i);
            _model.Open.Remove(i);
        }
    }

    private void Verify(string order)
    {
        _seen.Clear();
        for (int i = 0; i < Flows; i++)
        {
            for (int p = 0; p < (BeginsConnection(i) ? 1 : _rings.Length); p++) Assert.True(_rings[p].TrySend(Frame(i, isAnswer: false)));

            // Few packets may wait for handlers at a time.
            if (_pollers.Handlers.Count > 0) Drain();
        }

        Drain();
        for (int i = 0; i < Flows; i++)
        {
            int each = BeginsConnection(i) ? 1 : _rings.Length;
            uint[]? decided = _model.Expected(i);
            if (BeginsConnection(i)) _model.Open.Add(i);
            if (decided is not { } expected) continue;
            string got = string.Join(' ', Enumerable.Range(1, 4).Select(p => $"{p}:{_seen.GetValueOrDefault((i, (uint)p))}"));
            string wanted = string.Join(' ', Enumerable.Range(1, 4).Select(p => $"{p}:{(Array.IndexOf(expected, (uint)p) >= 0 ? each : 0)}"));
            Assert.True(got == wanted, $"behind '{order}' flow {i} ({_model.Actions[i]}) goes to {got}, not {wanted}");
        }
    }

    private bool BeginsConnection(int flow) => _model.Actions[flow] == FlowAction.Tracked && !_model.Established.Contains(flow);

    private static byte[] Frame(int flow, bool isAnswer) => FrameWriter.Write(new FrameSpec
    {
        EthSrc = isAnswer ? Domain.Macs[1] : Domain.Macs[0],
        EthDst = isAnswer ? Domain.Macs[0] : Domain.Macs[1],
        Src = isAnswer ? 0x0a000000 | (uint)flow : 0x0b000001u,
        Dst = isAnswer ? 0x0b000001u : 0x0a000000 | (uint)flow,
        SrcPort = isAnswer ? (ushort)80 : (ushort)1000,
        DstPort = isAnswer ? (ushort)1000 : (ushort)80,
    });

    private int[] Shuffled(int count)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        for (int i = count; i > 1; i--)
        {
            int drawn = _chance.Below(i);
            (order[drawn], order[i - 1]) = (order[i - 1], order[drawn]);
        }

        return order;
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
