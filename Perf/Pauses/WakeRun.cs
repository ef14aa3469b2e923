using Mergeflow.Native;

namespace Mergeflow.Perf;

/// <summary>A switch that has nothing to do, most of the time: how fast its threads wake, and what they cost while they sleep.</summary>
internal sealed class WakeRun : IDisposable, IOutputSink
{
    private readonly Datapath _datapath;
    private readonly RingRxQueue _ring = new(1);
    private readonly ThreadedSwitch _threads;
    private readonly byte[] _frame = FrameBuilder.Build(0x0a000001, 0x0a000002, 1000, 53);
    private ulong _sentAt;

    /// <summary>A switch that runs.</summary>
    public WakeRun(int pmds)
    {
        _datapath = new Datapath(new DatapathOptions { Ports = [("p1", 1), ("p2", 2)], PmdCount = pmds, Offload = OffloadMode.Soft, PacketCapacity = 512, FrameCapacityBytes = 2048 }, new OutputSinkAdapter(this));
        _datapath.ApplyFlowMods(new FlowTextParser().ParseFlows("in_port=1 actions=output:2"), Environment.TickCount64);
        _threads = new ThreadedSwitch(_datapath, new Dictionary<RxQueueName, RxQueue> { [new RxQueueName(1, 0)] = _ring });
        _threads.Start();
    }

    /// <summary>us from handing a frame to a thread that sleeps until the frame leaves, shortest first.</summary>
    public double[] Frames(int count, CancellationToken interrupted) => Measure(count, interrupted, () =>
    {
        Volatile.Write(ref _sentAt, 0);
        ulong begin = TscClock.Now;
        _ring.TrySend(_frame);

        // The system likes to wake a thread where its waker runs, which must not be in its way.
        ulong end;
        for (SpinWait spin = default; (end = Volatile.Read(ref _sentAt)) == 0;) spin.SpinOnce(sleep1Threshold: -1);
        return end - begin;
    });

    /// <summary>us of a thread that has nothing to do with a switch, and sleeps and is woken in the same way (eventfd, poll(2)), shortest first: what of the others is the machine.</summary>
    public double[] Bare(int count, CancellationToken interrupted)
    {
        using WakeLatch latch = new();
        PollSet set = new();
        bool ends = false;
        ulong wokenAt = 0;
        Thread sleeper = new(() =>
        {
            while (!Volatile.Read(ref ends))
            {
                latch.Announce();
                latch.Sleep(set);
                Volatile.Write(ref wokenAt, TscClock.Now);
            }
        })
        { IsBackground = true };
        sleeper.Start();
        double[] us = Measure(count, interrupted, () =>
        {
            Volatile.Write(ref wokenAt, 0);
            ulong begin = TscClock.Now;
            if (!latch.Set()) return 0;
            ulong end;
            for (SpinWait spin = default; (end = Volatile.Read(ref wokenAt)) == 0;) spin.SpinOnce(sleep1Threshold: -1);
            return end - begin;
        });
        Volatile.Write(ref ends, true);
        latch.Set();
        sleeper.Join();
        return us;
    }

    /// <summary>us of an order that all packet threads, which sleep, have to carry out, shortest first.</summary>
    public double[] Orders(int count, CancellationToken interrupted) => Measure(count, interrupted, () =>
    {
        ulong begin = TscClock.Now;
        _datapath.Settle(Environment.TickCount64);
        return TscClock.Now - begin;
    });

    /// <summary>Processor time of the whole process while nothing happens, as a share of one processor.</summary>
    public static double IdleShare(double seconds)
    {
        TimeSpan before = Environment.CpuUsage.TotalTime;
        Thread.Sleep(TimeSpan.FromSeconds(seconds));
        return (Environment.CpuUsage.TotalTime - before).TotalSeconds / seconds;
    }

    /// <inheritdoc/>
    public void Output(long eventIndex, uint port, ReadOnlySpan<byte> frame) => Volatile.Write(ref _sentAt, TscClock.Now);

    /// <inheritdoc/>
    public void Dispose()
    {
        _threads.Dispose();
        _ring.Dispose();
        _datapath.Dispose();
    }

    private double[] Measure(int count, CancellationToken interrupted, Func<ulong> once)
    {
        const int Warm = 50;
        List<double> us = [];
        for (int i = 0; i < count + Warm; i++)
        {
            interrupted.ThrowIfCancellationRequested();

            // Long enough that all sleep.
            Thread.Sleep(2);
            ulong cycles = once();
            if (i >= Warm) us.Add(cycles * 1e6 / TscClock.FrequencyHz);
        }

        return [.. us.Order()];
    }
}
