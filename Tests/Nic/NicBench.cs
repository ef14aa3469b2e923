using Mergeflow.Nic;
using Xunit;

namespace Mergeflow.Tests;

/// <summary>A device, a receive queue and a virtual clock.</summary>
internal sealed class NicBench : IDisposable
{
    private readonly NicRxQueue _queue;
    private readonly NicCompletion[] _completions = new NicCompletion[256];

    public NicBench(string profile = "ideal", FaultPlan? faults = null, NicKernel kernel = NicKernel.Auto)
        : this(NicProfile.Load(profile), faults, kernel)
    {
    }

    public NicBench(NicProfile profile, FaultPlan? faults = null, NicKernel kernel = NicKernel.Auto)
    {
        Nic = new EmulatedNic(profile, new NicOptions { Faults = faults ?? FaultPlan.None, Kernel = kernel });
        _queue = Nic.OpenRxQueue();
    }

    public EmulatedNic Nic { get; }

    public long NowNs { get; set; }

    public NicRxStats Stats => _queue.Stats;

    public static FlowRule Rule(FlowItem[] pattern, params FlowAction[] actions) => new(new FlowAttr(1), pattern, actions);

    public NicCompletion[] Poll()
    {
        int n = Nic.Poll(_completions, NowNs);
        return _completions[..n];
    }

    /// <summary>Creates on a device without latency and expects success.</summary>
    public NicHandle Create(FlowRule rule, ulong userData = 0)
    {
        FlowError? error = TryCreate(rule, out NicHandle handle, userData);
        Assert.Null(error);
        return handle;
    }

    public FlowError? TryCreate(FlowRule rule, out NicHandle handle, ulong userData = 0)
    {
        Assert.True(Nic.EnqueueCreate(rule, userData, NowNs, out handle));
        NicCompletion c = Assert.Single(Poll());
        Assert.Equal(NicOperation.Create, c.Operation);
        Assert.Equal(handle, c.Handle);
        Assert.Equal(userData, c.UserData);
        return c.Error;
    }

    public NicCounters Destroy(NicHandle handle)
    {
        Assert.True(Nic.EnqueueDestroy(handle, 7, NowNs));
        NicCompletion c = Assert.Single(Poll());
        Assert.Null(c.Error);
        Assert.Equal(7ul, c.UserData);
        return c.Counters;
    }

    /// <summary>Null on a miss (after checking that the frame was left alone), else what was sent.</summary>
    public List<(uint Port, byte[] Frame)>? Receive(byte[] frame, uint port = 1) => Receive(frame, out _, port);

    public List<(uint Port, byte[] Frame)>? Receive(byte[] frame, out NicRxInfo info, uint port = 1)
    {
        byte[] buffer = new byte[NicRxQueue.HeadroomBytes + frame.Length];
        frame.CopyTo(buffer, NicRxQueue.HeadroomBytes);
        var sink = new NicSink([]);
        if (_queue.Receive(port, buffer, NicRxQueue.HeadroomBytes, frame.Length, NowNs, ref sink, out info)) return sink.Sent;
        Assert.Equal(frame, buffer[NicRxQueue.HeadroomBytes..]);
        Assert.Empty(sink.Sent);
        return null;
    }

    public void Dispose() => Nic.Dispose();
}
