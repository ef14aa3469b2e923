using Xunit;

namespace Mergeflow.Tests;

/// <summary>A switch on threads with live ports.</summary>
internal sealed class LiveSwitch : IDisposable
{
    private readonly ThreadedSwitch _threads;

    public LiveSwitch(string flows = "actions=normal", OffloadMode offload = OffloadMode.None, int pmds = 1, int frameBytes = 2048, int shadowOneIn = 0, bool watchesKernelDrops = false)
    {
        LivePortSink[] sinks = [.. Enumerable.Range(0, pmds).Select(static _ => new LivePortSink())];
        Datapath = new Engine.Runtime.Datapath(
            new DatapathOptions { Ports = [], PmdCount = pmds, Offload = offload, ShadowOneIn = shadowOneIn, TcpSeqChk = offload != OffloadMode.Kernel, PacketCapacity = 1024, FrameCapacityBytes = frameBytes, LargeFrameCapacity = 64, ConnectionCapacity = 20_000 },
            i => sinks[i]);
        Datapath.ApplyFlowMods(new FlowTextParser().ParseFlows(flows), Now);
        _threads = new ThreadedSwitch(Datapath, new Dictionary<RxQueueName, RxQueue>());
        Ports = new LivePorts(Datapath, _threads.Pollers, sinks) { WatchesKernelDrops = watchesKernelDrops };
        _threads.Start();
    }

    public static long Now => Environment.TickCount64;

    public Engine.Runtime.Datapath Datapath { get; }

    public LivePorts Ports { get; }

    /// <summary>Times that threads have gone to sleep.</summary>
    public long Sleeps => _threads.Sleeps;

    public PortStatistics this[uint port] => Ports.All.Single(p => p.Number == port).Statistics();

    /// <summary>Opens the devices as ports 1, 2, ...</summary>
    public LiveSwitch With(params string[] devices)
    {
        foreach (string device in devices) Add(new PacketSocketPort((uint)Ports.All.Count + 1, device));
        return this;
    }

    /// <summary>Adds a port when its link is up, which the kernel says up to a second after it is: nobody here watches devices.</summary>
    public void Add(LivePort port)
    {
        LiveLab.WaitFor(
            () =>
            {
                port.Refresh();
                return port.HasCarrier;
            },
            $"the link of {port.Name}");
        Ports.Add(port, Now);
    }

    /// <summary>Looks at all devices, as the switch does when rtnetlink tells of a change; the ports whose device is gone.</summary>
    public IReadOnlyList<LivePort> Refresh() => Ports.Refresh(Now);

    /// <summary>The threads end, and nothing was wrong: no thread has failed, no packet is unaccounted for, no packet memory is lost, and the books of an offload are balanced.</summary>
    /// <param name="merged">Whether merged rules have handled packets; null = either way.</param>
    public void Stop(bool? merged = null)
    {
        Assert.Null(_threads.Failure);
        _threads.Stop();
        Datapath.Settle(Now);
        Datapath.Settle(Now);
        Assert.All(Datapath.Pmds, static p => Assert.Equal((0, 0), (p.Pool.InUse, p.Pool.LargeInUse)));
        SwitchLedger ledger = Ports.Ledger(static () => 0);
        Assert.Equal((0, 0), (ledger.UnexplainedIn, ledger.UnexplainedOut));
        if (merged is bool expected) Assert.Equal(expected, Datapath.Stats.MergedHits > 100);
        if (Datapath.Offload is null) return;
        OffloadAudit audit = Datapath.Audit(Now, null, pushed: true);
        Assert.True(audit.IsBalanced, string.Join('\n', audit.Lines));
    }

    public void Dispose()
    {
        _threads.Dispose();
        Ports.Dispose();
        Datapath.Dispose();
    }
}
